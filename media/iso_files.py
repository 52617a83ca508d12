"""The structure of ISO base media files (ISO/IEC 14496-12): MP4, MOV, AVIF and HEIC."""

from collections.abc import Iterator
from dataclasses import dataclass

from media.cursor import Cursor, CutFile

_HEADER_BYTES = 8
_SIZE_FOLLOWS = 1
_MEDIA = frozenset({b"mdat", b"meta", b"moov", b"moof"})


@dataclass(frozen=True)
class Box:
    """A box of the top level."""

    kind: bytes
    """The type, four letters."""
    is_cut: bool
    """Whether the file ends within the box."""

    @property
    def holds_media(self) -> bool:
        """Whether a player needs the box."""
        return self.kind in _MEDIA


def top_boxes(cursor: Cursor) -> Iterator[Box]:
    """The boxes of the top level, up to the end of the file."""
    while cursor.left >= _HEADER_BYTES:
        start = cursor.position
        size, kind, header = cursor.number(4), cursor.read(4), _HEADER_BYTES
        if size == _SIZE_FOLLOWS and cursor.left >= _HEADER_BYTES:
            size, header = cursor.number(8), 2 * _HEADER_BYTES
        # A size of 0: the box ends with the file. Other sizes below the header's are no box.
        is_cut = start + size > cursor.size
        yield Box(kind, is_cut)
        if is_cut or size < header:
            return
        cursor.move_to(start + size)


def has_fragments(cursor: Cursor) -> bool:
    """Whether the file holds its samples in fragments. Then no table names all of them.

    Raises:
        CutFile: the file ends within a fragment, or has no whole table. The table tells the other samples.
    """
    kinds: set[bytes] = set()
    for box in top_boxes(cursor):
        kinds.add(box.kind)
        if box.is_cut and box.holds_media and (box.kind == b"moov" or b"moof" in kinds):
            raise CutFile
    # `meta` holds the table of a still picture.
    if kinds.isdisjoint({b"moov", b"meta"}):
        raise CutFile
    return b"moof" in kinds


def is_streamable(cursor: Cursor) -> bool:
    """Whether the table comes before the samples, in one table: a player can begin before it has the whole file."""
    kinds = [box.kind for box in top_boxes(cursor)]
    return b"moov" in kinds and b"moof" not in kinds and b"mdat" not in kinds[: kinds.index(b"moov")]
