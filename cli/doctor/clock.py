"""Compares the clock of this machine with the clocks of others."""

import time
from email.utils import parsedate_to_datetime

from cli.doctor.findings import Finding, error, ok, warning

_TOLERATED_SECONDS = 2.0
# Signatures of callbacks and links are valid for minutes.
_WRONG_SECONDS = 60.0

_REMEDY = "synchronise the clocks of all machines with NTP (`timedatectl set-ntp true`)"


def compared(subject: str, theirs: float, *, before: float, resolution: float = 0.0) -> Finding:
    """Compare a clock that was read between `before` and now, in Unix seconds.

    Args:
        resolution: the smallest step of the other clock, in seconds.
    """
    earliest, latest = before - resolution, time.time() + resolution
    skew = max(earliest - theirs, theirs - latest, 0.0)
    check, ahead = f"clock of {subject}", "ahead of" if theirs > latest else "behind"
    if skew <= _TOLERATED_SECONDS:
        return ok(check, "agrees with this machine")
    make = error if skew > _WRONG_SECONDS else warning
    return make(check, f"is {skew:.0f} s {ahead} this machine: signatures and links fail when clocks differ", _REMEDY)


def by_header(subject: str, date: str | None, *, before: float) -> list[Finding]:
    """Compare the clock of a server by the header `Date` of its answer."""
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return []
    return [compared(subject, theirs, before=before, resolution=1.0)]
