"""HEIC files (ISO/IEC 23008-12), as phones write them. The wheels have no encoder, so the boxes are written here."""

import io
import struct
from fractions import Fraction

import av
from av.video.stream import VideoStream
from PIL import Image

from tests.media_files.videos import frame_of

_QUICK = {"preset": "ultrafast", "x265-params": "log-level=none"}
_HIDDEN = 1


def heic(colors: tuple[str, ...] = ("red",), *, tile: tuple[int, int] = (64, 32), quarter_turns: int = 0) -> bytes:
    """A picture of one or more tiles in a row.

    Args:
        quarter_turns: the counter-clockwise turn that a viewer applies.
    """
    config, samples = _encoded(colors, tile)
    meta = _meta(config, [len(sample) for sample in samples], tile, quarter_turns, media_at=0)
    kind = _box(b"ftyp", b"heic", bytes(4), b"mif1", b"heic")
    media_at = len(kind) + len(meta) + 8
    meta = _meta(config, [len(sample) for sample in samples], tile, quarter_turns, media_at=media_at)
    return kind + meta + _box(b"mdat", *samples)


def _encoded(colors: tuple[str, ...], size: tuple[int, int]) -> tuple[bytes, list[bytes]]:
    """The decoder's configuration, and a key frame of each colour."""
    output = io.BytesIO()
    with av.open(output, "w", format="mp4") as container:
        stream = container.add_stream("libx265", rate=1)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt, stream.gop_size = "yuv420p", 1
        stream.options = dict(_QUICK)
        stream.codec_tag = "hvc1"
        for number, color in enumerate(colors):
            frame = frame_of(Image.new("RGB", size, color), "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(io.BytesIO(output.getvalue()), "r", format="mov") as container:
        (video,) = container.streams.video
        return bytes(video.codec_context.extradata or b""), [
            bytes(each) for each in container.demux(video) if each.size
        ]


def _meta(config: bytes, sizes: list[int], tile: tuple[int, int], quarter_turns: int, *, media_at: int) -> bytes:
    count = len(sizes)
    whole = (tile[0] * count, tile[1])
    is_grid = count > 1
    primary = count + 1 if is_grid else 1
    grid = struct.pack(">BBBBHH", 0, 0, 0, count - 1, *whole)
    items = [(number, b"hvc1", _HIDDEN if is_grid else 0) for number in range(1, count + 1)]
    items += [(primary, b"grid", 0)] if is_grid else []
    return _full(
        b"meta",
        _full(b"hdlr", bytes(4), b"pict", bytes(12), b"\0"),
        _full(b"pitm", struct.pack(">H", primary)),
        _full(b"iinf", struct.pack(">H", len(items)), *(_info(*item) for item in items)),
        *([_full(b"iref", _box(b"dimg", struct.pack(f">HH{count}H", primary, count, *range(1, count + 1))))] * is_grid),
        _properties(config, tile, whole, quarter_turns, tiles=count if is_grid else 0),
        _locations(sizes, media_at, len(grid) if is_grid else 0),
        *([_box(b"idat", grid)] * is_grid),
    )


def _info(number: int, kind: bytes, flags: int) -> bytes:
    return _full(b"infe", struct.pack(">HH", number, 0), kind, b"\0", version=2, flags=flags)


def _properties(
    config: bytes, tile: tuple[int, int], whole: tuple[int, int], quarter_turns: int, *, tiles: int
) -> bytes:
    container = _box(
        b"ipco",
        _box(b"hvcC", config),
        _full(b"ispe", struct.pack(">II", *tile)),
        _full(b"ispe", struct.pack(">II", *whole)),
        _box(b"irot", bytes([quarter_turns])),
    )
    # The numbers of the boxes above. The highest bit marks what a reader must understand.
    decoder, tile_size, whole_size, turn = 0x81, 2, 3, 0x84
    of_item = {1: [decoder, tile_size, turn]}
    if tiles:
        of_item = {tiles + 1: [whole_size, turn], **{each: [decoder, tile_size] for each in range(1, tiles + 1)}}
    entries = b"".join(struct.pack(">HB", number, len(each)) + bytes(each) for number, each in of_item.items())
    return _box(b"iprp", container, _full(b"ipma", struct.pack(">I", len(of_item)), entries))


def _locations(sizes: list[int], media_at: int, grid_bytes: int) -> bytes:
    entries, position = [], media_at
    for number, size in enumerate(sizes, 1):
        entries.append(struct.pack(">HHHHII", number, 0, 0, 1, position, size))
        position += size
    if grid_bytes:
        entries.append(struct.pack(">HHHHII", len(sizes) + 1, 1, 0, 1, 0, grid_bytes))
    return _full(b"iloc", b"\x44\x00", struct.pack(">H", len(entries)), *entries, version=1)


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", len(content) + 8) + kind + content


def _full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, bytes([version]) + flags.to_bytes(3), *parts)
