"""Remembers the calls to vendors that a claim makes, for the timeline of its generation.

The calls of a thread are remembered only inside `remembering`. A call holds no key, URL or text of a vendor.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

_MOST_CALLS = 20


@dataclass(frozen=True)
class MadeCall:
    """A call to a vendor, as its line in the log shows it."""

    at: datetime
    """The start of the call."""
    operation: str
    """The name of the call: `submit`."""
    status: int | None
    """The HTTP status. None without an answer."""
    failure: str | None
    """The class of the error that ended the call. None for an answer."""
    seconds: float
    """The length of the call."""


_calls: ContextVar[deque[MadeCall] | None] = ContextVar("calls", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Remember the newest calls that this thread makes inside the block."""
    before = _calls.set(deque(maxlen=_MOST_CALLS))
    try:
        yield
    finally:
        _calls.reset(before)


def remember(call: MadeCall) -> None:
    """Add a call. Does nothing outside `remembering`."""
    calls = _calls.get()
    if calls is not None:
        calls.append(call)


def remembered() -> Sequence[MadeCall]:
    """The calls since the block began, or since the last `forget`."""
    return tuple(_calls.get() or ())


def forget() -> None:
    """Forget the calls, because they are written."""
    calls = _calls.get()
    if calls is not None:
        calls.clear()
