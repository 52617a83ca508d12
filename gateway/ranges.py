"""Parses `Range: bytes=…` (RFC 9110, section 14)."""

import re
from dataclasses import dataclass

from gateway.problems import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")


@dataclass(frozen=True)
class ByteRange:
    """A range of bytes."""

    first: int
    """The offset of the first byte."""
    last: int
    """The offset of the last byte, which belongs to the range."""

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.last - self.first + 1


def parse_range(header: str | None, size_bytes: int) -> ByteRange | None:
    """The requested range; None for the whole file.

    Several ranges, other units and malformed headers mean the whole file. The RFC allows a server to ignore them, and
    players ask for one range.

    Raises:
        RangeNotSatisfiable: the range begins after the end of the file, or asks for the last 0 bytes.
    """
    match = _ONE_RANGE.fullmatch((header or "").replace(" ", "").lower())
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        wanted = ByteRange(max(0, size_bytes - int(last)), size_bytes - 1)
    else:
        end = min(int(last), size_bytes - 1) if last else size_bytes - 1
        if last and int(last) < int(first):
            return None
        wanted = ByteRange(int(first), end)
    if wanted.length <= 0:
        raise RangeNotSatisfiable(size_bytes)
    return wanted
