"""Shares the threads of a process between provider accounts, so that an account that hangs delays no other.

Work of one account has all threads but a few. Further work of the account waits in its line, which holds no thread: a
thread that ends work of the account goes on with the line.
"""

import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from threading import Condition

import structlog

from schemas.names import ProviderName
from storage.outages import OUTAGES

log = structlog.get_logger()

# The threads of others wait beside a full line whose work begins within so long: an account that is only busy puts no
# work off. A slower line holds none of them.
_PATIENCE_SECONDS = 1.0

Work = Callable[[], None]


@dataclass
class _Lane:
    """The work of one account."""

    running: int = 0
    """The threads that run the account's work."""
    line: deque[Work] = field(default_factory=deque)
    """The work that waits for one of these threads. Empty while fewer threads than `each` run."""
    begun: deque[float] = field(default_factory=deque)
    """When the newest work of the account began, as many times as the line is long, by the monotonic clock."""


class Threads:
    """Runs the work of accounts in the threads that call `run`.

    Args:
        each: the most threads of one account, and the most work in its line.
    """

    def __init__(self, *, each: int) -> None:
        self._each = each
        self._lanes: defaultdict[ProviderName, _Lane] = defaultdict(_Lane)
        self._moved = Condition()
        self.is_over = False
        """Whether the process ends. Work that has not begun should then leave what it has to other processes."""

    def run(self, account: ProviderName, work: Work) -> bool:
        """Run work, or leave the work in the account's line, where another thread runs the work later.

        Returns:
            False: the line is full and moves too slowly. The work is neither running nor in the line.
        """
        with self._moved:
            lane = self._lanes[account]
            if not self._has_room(lane):
                return False
            if lane.running >= self._each:
                # The work keeps the context of its task for log lines.
                lane.line.append(partial(copy_context().run, work))
                return True
            lane.running += 1
            self._begins(lane)
        try:
            work()
        finally:
            self._go_on(lane)
        return True

    def end(self) -> None:
        """Run the lines now, because the process ends. `is_over` tells their work so."""
        self.is_over = True
        for lane in list(self._lanes.values()):
            while (work := self._next(lane, leaves=False)) is not None:
                _finish(work)

    def _has_room(self, lane: _Lane) -> bool:
        """Whether a thread or the line has room, at once or soon."""
        while lane.running >= self._each and len(lane.line) >= self._each:
            # The time in which the line moved on by its whole length tells how quick it is.
            left = lane.begun[0] + _PATIENCE_SECONDS - time.monotonic()
            if left <= 0:
                return False
            self._moved.wait(left)
        return True

    def _go_on(self, lane: _Lane) -> None:
        """Run the line until it is empty, and then leave the lane."""
        while (work := self._next(lane, leaves=True)) is not None:
            _finish(work)

    def _next(self, lane: _Lane, *, leaves: bool) -> Work | None:
        """Take the first work out of the line. `leaves`: without work in the line, this thread leaves the lane."""
        with self._moved:
            if lane.line:
                self._begins(lane)
                return lane.line.popleft()
            lane.running -= leaves
            return None

    def _begins(self, lane: _Lane) -> None:
        lane.begun.append(time.monotonic())
        if len(lane.begun) > self._each:
            lane.begun.popleft()
        self._moved.notify_all()


def _finish(work: Work) -> None:
    """Run work of another task. Its errors are no errors of this task."""
    try:
        work()
    except OUTAGES as error:
        log.warning("task_interrupted", error=type(error).__name__)
    except Exception:
        log.exception("task_crashed")
