"""The number of tasks that a vendor runs at once for an account."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """Lets up to `limit` tasks run. The others wait in the order in which they asked."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: dict[object, asyncio.Future[None]] = {}
        self.running = 0
        """The tasks that run."""

    @property
    def limit(self) -> int:
        """The most tasks that run at once."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._fill()

    @property
    def waiting(self) -> int:
        """The tasks that wait."""
        return len(self._waiting)

    def before(self, owner: object) -> int:
        """The number of tasks that get a slot before this one."""
        return list(self._waiting).index(owner) if owner in self._waiting else 0

    @asynccontextmanager
    async def taken(self, owner: object) -> AsyncIterator[None]:
        """Wait for a slot, and hold the slot while the block runs."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[owner] = place
        self._fill()
        try:
            await place
        except asyncio.CancelledError:
            self._waiting.pop(owner, None)
            # The slot may have come together with the cancellation.
            if place.done() and not place.cancelled():
                self._leave()
            raise
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        self.running -= 1
        self._fill()

    def _fill(self) -> None:
        while self._waiting and self.running < self._limit:
            place = self._waiting.pop(next(iter(self._waiting)))
            if not place.cancelled():
                self.running += 1
                place.set_result(None)
