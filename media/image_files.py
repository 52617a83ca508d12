"""The structure of image files: finds cut files, and the pauses of an animation. Decodes nothing."""

from collections.abc import Callable, Iterator, Mapping

from media.cursor import Cursor, CutFile
from media.iso_files import top_boxes
from schemas.media_types import AVIF, GIF, HEIC, JPEG, PNG, WEBP, MediaType

_SCAN_BYTES = 64 * 1024

# Browsers show a picture with a shorter pause for a tenth of a second.
_SHORTEST_PAUSE = 0.011
_USUAL_PAUSE = 0.1


def pauses(cursor: Cursor, media: MediaType) -> list[float]:
    """The seconds that each picture of an animation is shown. Empty for a still picture.

    Bytes after the end of the picture do not count.

    Raises:
        CutFile: the end of the file is missing.
    """
    return [pause if pause >= _SHORTEST_PAUSE else _USUAL_PAUSE for pause in _READERS[media](cursor)]


def _png(cursor: Cursor) -> Iterator[float]:
    """Read chunks up to IEND (PNG specification, section 5.3). `fcTL` begins a picture of an animation."""
    cursor.skip(8)
    while True:
        length, kind = cursor.number(4), cursor.read(4)
        end = cursor.position + length + 4
        if kind == b"fcTL":
            cursor.skip(20)
            yield cursor.number(2) / (cursor.number(2) or 100)
        if kind == b"IEND":
            return
        cursor.move_to(end)


def _jpeg(cursor: Cursor) -> Iterator[float]:
    """Read segments up to the first scan, then find the marker EOI (ITU-T T.81, annex B)."""
    cursor.skip(2)
    while True:
        marker = cursor.read(2)
        if marker[0] != 0xFF or marker[1] == 0xDA:
            break
        if marker[1] == 0xD9:
            return iter(())
        if marker[1] == 0xFF:
            cursor.move_to(cursor.position - 1)
        elif marker[1] != 0x01 and not 0xD0 <= marker[1] <= 0xD7:
            cursor.skip(max(cursor.number(2) - 2, 0))
    # Within a scan, a zero follows each byte FF.
    tail = b""
    while cursor.left:
        block = tail + cursor.read(min(_SCAN_BYTES, cursor.left))
        if b"\xff\xd9" in block:
            return iter(())
        tail = block[-1:]
    raise CutFile


def _gif(cursor: Cursor) -> Iterator[float]:
    """Read blocks up to the trailer (GIF89a specification)."""
    cursor.skip(10)
    cursor.skip(2 + _color_table_bytes(cursor.number(1)))
    pause = 0.0
    while (block := cursor.read(1)) != b"\x3b":
        if block == b"\x21":
            label = cursor.read(1)
            content = _sub_blocks(cursor)
            if label == b"\xf9":
                pause = int.from_bytes(content[1:3], "little") / 100
        elif block == b"\x2c":
            cursor.skip(8)
            cursor.skip(_color_table_bytes(cursor.number(1)) + 1)
            _sub_blocks(cursor)
            yield pause


def _color_table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _sub_blocks(cursor: Cursor) -> bytes:
    """Read blocks up to an empty block. Returns the content of the first block."""
    length = cursor.number(1)
    first = cursor.read(length)
    while length:
        length = cursor.number(1)
        cursor.skip(length)
    return first


def _webp(cursor: Cursor) -> Iterator[float]:
    """Read RIFF chunks (RFC 9649). `ANMF` is a picture of an animation. Some writers omit the last byte of padding."""
    cursor.skip(4)
    end = int.from_bytes(cursor.read(4), "little") + 8
    if end > cursor.size + 1:
        raise CutFile
    cursor.skip(4)
    while cursor.position + 8 <= min(end, cursor.size):
        kind, length = cursor.read(4), int.from_bytes(cursor.read(4), "little")
        after = cursor.position + length + length % 2
        if kind == b"ANMF":
            cursor.skip(12)
            yield int.from_bytes(cursor.read(3), "little") / 1000
        cursor.move_to(min(after, cursor.size))


def _iso(cursor: Cursor) -> Iterator[float]:
    """Read the top boxes. The picture lies in `mdat` or `meta`."""
    if any(box.is_cut and box.holds_media for box in top_boxes(cursor)):
        raise CutFile
    return iter(())


_READERS: Mapping[MediaType, Callable[[Cursor], Iterator[float]]] = {
    PNG: _png,
    JPEG: _jpeg,
    GIF: _gif,
    WEBP: _webp,
    AVIF: _iso,
    HEIC: _iso,
}
