"""Shares what is scarce between owners, such as customers: one owner cannot take all of it."""

import time
from collections import defaultdict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from itertools import chain
from threading import Condition


class NoPlace(Exception):
    """Every place is taken.

    `is_own`: the owner has taken all of the owner's places. Otherwise all owners together took all places.
    """

    def __init__(self, *, is_own: bool) -> None:
        super().__init__("every place is taken")
        self.is_own = is_own


class Shares:
    """Places in one process for work that waits for somebody else. Safe to share between threads.

    Args:
        each: the most places of one owner.
        total: all places.
    """

    def __init__(self, *, each: int, total: int) -> None:
        self.each = each
        self._total = total
        self._starts: defaultdict[Hashable, list[float]] = defaultdict(list)
        """The times at which the work of each owner began."""
        self._changed = Condition()

    @contextmanager
    def taken_by(self, owner: Hashable, *, patience_seconds: float = 0.0) -> Iterator[None]:
        """Take a place while the block runs.

        Args:
            patience_seconds: wait for quick work. Without a free place, wait until all work in the places is older.

        Raises:
            NoPlace: every place is taken by work that is not quick.
        """
        start = self._take(owner, patience_seconds)
        try:
            yield
        finally:
            with self._changed:
                self._starts[owner].remove(start)
                if not self._starts[owner]:
                    del self._starts[owner]
                self._changed.notify_all()

    def _take(self, owner: Hashable, patience_seconds: float) -> float:
        with self._changed:
            while True:
                own, all_starts = self._starts.get(owner, []), [*chain(*self._starts.values())]
                is_own, now = len(own) >= self.each, time.monotonic()
                if not is_own and len(all_starts) < self._total:
                    self._starts[owner].append(now)
                    return now
                left = max(own if is_own else all_starts) + patience_seconds - now
                if left <= 0:
                    raise NoPlace(is_own=is_own)
                self._changed.wait(left)
