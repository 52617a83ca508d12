"""How long an MP4 or MOV file is, told from its boxes alone: no decoder sees a customer's file here.

ISO/IEC 14496-12: boxes are in section 4.2, `mvhd` in 8.2.2, `mdhd` in 8.4.2, `stts` in 8.6.1.2, `elst` in 8.6.6. What
a header says and what the samples last may differ, so the longest of them counts. Files whose length lies in fragments,
or that are packed in another way, are not read.
"""

import struct
from collections.abc import Iterator

_HEAD = struct.Struct(">I4s")
_LARGE = struct.Struct(">Q")

# More of either has no file of minutes.
_MOST_BOXES = 2_000
_MOST_ENTRIES = 200_000

_FRAGMENTED = frozenset({b"moof", b"mvex", b"cmov"})


class _Unreadable(Exception):
    """The file does not say how long it is in a way that is read here."""


def seconds_of(content: bytes) -> float | None:
    """The longest that the file claims to be; None where that cannot be told."""
    try:
        movies = [body for kind, body in _Boxes().of(memoryview(content)) if kind == b"moov"]
        return _movie_seconds(movies[0]) or None if len(movies) == 1 else None
    except (_Unreadable, struct.error, IndexError, ZeroDivisionError):
        return None


def _movie_seconds(movie: memoryview) -> float:
    boxes = _Boxes()
    timescale, longest = 0, 0.0
    for kind, body in boxes.of(movie):
        if kind == b"mvhd":
            timescale, duration = _header(body)
            longest = max(longest, duration / timescale)
        elif kind == b"trak":
            longest = max(longest, _track_seconds(boxes, body, timescale))
    return longest


def _track_seconds(boxes: "_Boxes", track: memoryview, movie_timescale: int) -> float:
    """A track's length: by its header, its samples, or the list of what is played of it."""
    timescale, longest = 0, 0.0
    for path, body in boxes.below(track, b"mdia/minf/stbl", b"edts"):
        if path == b"mdia/mdhd":
            timescale, duration = _header(body)
            longest = max(longest, duration / timescale)
        elif path == b"mdia/minf/stbl/stts":
            longest = max(longest, sum(count * delta for count, delta in _entries(body, ">II")) / timescale)
        elif path == b"edts/elst":
            form = ">QqI" if body[0] else ">IiI"
            longest = max(longest, sum(duration for duration, _, _ in _entries(body, form)) / movie_timescale)
    return longest


class _Boxes:
    """Walks through boxes, of which a file may have so many in all."""

    def __init__(self) -> None:
        self._left = _MOST_BOXES

    def of(self, data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
        """The boxes that follow each other here, with type and body."""
        while len(data) >= _HEAD.size:
            self._left -= 1
            size, kind = _HEAD.unpack_from(data)
            head = _HEAD.size
            if size == 1:
                (size,) = _LARGE.unpack_from(data, head)
                head += _LARGE.size
            elif size == 0:
                size = len(data)
            if size < head or self._left < 0 or kind in _FRAGMENTED:
                raise _Unreadable
            yield kind, data[head:size]
            data = data[size:]

    def below(self, data: memoryview, *paths: bytes, at: bytes = b"") -> Iterator[tuple[bytes, memoryview]]:
        """The boxes here and in the folders of these paths, each with its own path."""
        for kind, body in self.of(data):
            path = at + kind
            yield path, body
            if any(f"{wanted.decode()}/".startswith(f"{path.decode('latin-1')}/") for wanted in paths):
                yield from self.below(body, *paths, at=path + b"/")


def _header(body: memoryview) -> tuple[int, int]:
    """Timescale and duration of `mvhd` or `mdhd`; version 1 has times of eight bytes."""
    timescale, duration = struct.unpack_from(">IQ", body, 20) if body[0] else struct.unpack_from(">II", body, 12)
    return int(timescale), int(duration)


def _entries(body: memoryview, form: str) -> Iterator[tuple[int, ...]]:
    (count,) = struct.unpack_from(">I", body, 4)
    if count > _MOST_ENTRIES:
        raise _Unreadable
    entry = struct.Struct(form)
    for number in range(count):
        yield entry.unpack_from(body, 8 + number * entry.size)
