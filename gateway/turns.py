"""Turns of requests: a few requests of one sender are worked on at once, and the others wait in line.

A request costs the event loop milliseconds. Of a hundred requests that arrive together, each one would have a step
before a request of another sender has its next one. A request that waits for long holds no turn.
"""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

_AT_ONCE = 4
_SHORT_SECONDS = 0.05


class Turn:
    """The turn of one request."""

    def __init__(self, line: asyncio.Semaphore) -> None:
        self._line = line
        self._is_held = False
        self._is_over = False
        # The request and the end of its connection may ask at the same time.
        self._asking = asyncio.Lock()

    async def take(self) -> None:
        """Wait for the turn, unless the request holds it or has ended."""
        async with self._asking:
            if not (self._is_held or self._is_over):
                await self._line.acquire()
                self._has_come()

    def _has_come(self) -> None:
        self._is_held = True
        if self._is_over:
            self.give_back()

    def give_back(self) -> None:
        """Let the next request of the sender have the turn."""
        if self._is_held:
            self._is_held = False
            self._line.release()

    def end(self) -> None:
        """Give the turn back for good."""
        self._is_over = True
        self.give_back()


class Turns:
    """The lines of all senders, in one event loop."""

    def __init__(self) -> None:
        self._lines: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, sender: Hashable) -> AsyncGenerator[Turn]:
        """A turn of the sender, which ends with the block."""
        line = self._lines.get(sender)
        if line is None:
            line = self._lines[sender] = asyncio.Semaphore(_AT_ONCE)
        turn = Turn(line)
        await turn.take()
        try:
            yield turn
        finally:
            turn.end()

    @asynccontextmanager
    async def short_of(self, sender: Hashable) -> AsyncGenerator[None]:
        """A turn of the sender, which ends with the block, and earlier if the block takes long.

        Most requests are short. A request that takes longer waits for its body, for an event or for a slow database.
        """
        async with self.of(sender) as turn:
            early = asyncio.get_running_loop().call_later(_SHORT_SECONDS, turn.end)
            try:
                yield
            finally:
                early.cancel()
