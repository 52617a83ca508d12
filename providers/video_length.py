"""How long an MP4 or MOV file is, told from its boxes alone: no decoder sees a customer's file here.

ISO/IEC 14496-12, section 4.2 (boxes), 8.2.2 (`mvhd`), 8.4.2 (`mdhd`) and 8.8.2 (`mehd`).
"""

import struct
from collections.abc import Iterator

_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"mvex"})
# `moov/trak/mdia/mdhd`: whoever nests them deeper means no good.
_DEEPEST = 3
_HEAD = struct.Struct(">I4s")
_LARGE = struct.Struct(">Q")


def seconds_of(content: bytes) -> float | None:
    """The longest that the file claims to be; None where it does not say."""
    boxes = list(_boxes(memoryview(content)))
    try:
        lengths = [_length(body) for kind, body in boxes if kind in {b"mvhd", b"mdhd"}]
        timescale = next((_timescale(body) for kind, body in boxes if kind == b"mvhd"), 0)
        lengths += [_fragments(body) / timescale for kind, body in boxes if kind == b"mehd" and timescale]
    except (struct.error, ZeroDivisionError):
        return None
    return max(lengths, default=0.0) or None


def _boxes(data: memoryview, depth: int = _DEEPEST) -> Iterator[tuple[bytes, memoryview]]:
    """Every box with its type and what it holds, those inside the containers that matter included."""
    while len(data) >= _HEAD.size:
        size, kind = _HEAD.unpack_from(data)
        head = _HEAD.size
        if size == 1 and len(data) >= head + _LARGE.size:
            (size,) = _LARGE.unpack_from(data, head)
            head += _LARGE.size
        elif size == 0:
            size = len(data)
        if size < head:
            return
        body = data[head:size]
        yield kind, body
        if kind in _CONTAINERS and depth:
            yield from _boxes(body, depth - 1)
        data = data[size:]


def _is_long(body: memoryview) -> bool:
    """Whether times have eight bytes: version 1 of the box."""
    return body[:1].tobytes() == b"\x01"


def _timescale(body: memoryview) -> int:
    (timescale,) = struct.unpack_from(">I", body, 20 if _is_long(body) else 12)
    return int(timescale)


def _length(body: memoryview) -> float:
    duration = struct.unpack_from(">Q", body, 24)[0] if _is_long(body) else struct.unpack_from(">I", body, 16)[0]
    return float(duration) / _timescale(body)


def _fragments(body: memoryview) -> float:
    return float(struct.unpack_from(">Q" if _is_long(body) else ">I", body, 4)[0])
