"""`Range: bytes=…` (RFC 9110, section 14)."""

import re
from dataclasses import dataclass

from gateway.problems import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")


@dataclass(frozen=True)
class ByteRange:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1


def parse_range(header: str | None, size_bytes: int) -> ByteRange | None:
    """The range that is asked for; None for the whole file.

    Several ranges, other units and what is no range at all mean the whole file: the RFC allows a server to ignore
    them, and players ask for one range.

    Raises:
        RangeNotSatisfiable: it begins behind the end, or asks for the last 0 bytes.
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
