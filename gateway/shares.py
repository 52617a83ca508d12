"""Shares what is scarce between customers: one customer cannot take all of it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from gateway.problems import TooManyRequests, Unavailable


class Shares:
    """Places for work that waits for its customer. For the event loop only.

    Args:
        what: the work, for messages: "uploads".
        each: the most places of one customer.
        total: all places.
    """

    def __init__(self, what: str, *, each: int, total: int) -> None:
        self._what = what
        self._each = each
        self._total = total
        self._taken: Counter[UUID] = Counter()

    @contextmanager
    def taken_by(self, customer_id: UUID) -> Iterator[None]:
        """Take a place while the block runs.

        Raises:
            TooManyRequests: the customer has taken all of the customer's places.
            Unavailable: all customers together have taken all places.
        """
        if self._taken[customer_id] >= self._each:
            raise TooManyRequests(f"you have {self._each} {self._what} under way: send the next when one has ended")
        if self._taken.total() >= self._total:
            raise Unavailable(f"too many {self._what} are under way: send yours again")
        self._taken[customer_id] += 1
        try:
            yield
        finally:
            self._taken[customer_id] -= 1
            if not self._taken[customer_id]:
                del self._taken[customer_id]
