"""Shares what is scarce between customers: one customer cannot take all of it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
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
        self._taken: Counter[UUID] = Counter()
        self._lock = Lock()

    @contextmanager
    def taken_by(self, customer_id: UUID) -> Iterator[None]:
        """Take a place while the block runs.

        Raises:
            NoPlace: at once, without waiting.
        """
        with self._lock:
            is_own = self._taken[customer_id] >= self.each
            if is_own or self._taken.total() >= self._total:
                raise NoPlace(is_own=is_own)
            self._taken[customer_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken -= Counter([customer_id])
