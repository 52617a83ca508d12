"""Shares what is scarce between customers: one customer cannot take all of it."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from threading import Condition
from uuid import UUID


class NoPlace(Exception):
    """Every place is taken.

    `is_own`: the customer has taken all of the customer's own places. Otherwise all customers together took all places.
    """

    def __init__(self, *, is_own: bool) -> None:
        super().__init__("every place is taken")
        self.is_own = is_own


class Shares:
    """Places in one process for work that waits for somebody else. Safe to share between threads.

    Args:
        each: the most places of one customer.
        total: all places.
    """

    def __init__(self, *, each: int, total: int) -> None:
        self.each = each
        self._total = total
        self._starts: defaultdict[UUID, list[float]] = defaultdict(list)
        """The times at which the work of each customer began."""
        self._changed = Condition()

    @contextmanager
    def taken_by(self, customer_id: UUID, *, patience_seconds: float = 0.0) -> Iterator[None]:
        """Take a place while the block runs.

        Args:
            patience_seconds: wait for quick work. Without a free place, wait until all work in the places is older.

        Raises:
            NoPlace: every place is taken by work that is not quick.
        """
        start = self._take(customer_id, patience_seconds)
        try:
            yield
        finally:
            with self._changed:
                self._starts[customer_id].remove(start)
                if not self._starts[customer_id]:
                    del self._starts[customer_id]
                self._changed.notify_all()

    def _take(self, customer_id: UUID, patience_seconds: float) -> float:
        with self._changed:
            while True:
                own, all_starts = self._starts.get(customer_id, []), [*chain(*self._starts.values())]
                is_own, now = len(own) >= self.each, time.monotonic()
                if not is_own and len(all_starts) < self._total:
                    self._starts[customer_id].append(now)
                    return now
                left = max(own if is_own else all_starts) + patience_seconds - now
                if left <= 0:
                    raise NoPlace(is_own=is_own)
                self._changed.wait(left)
