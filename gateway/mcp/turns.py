"""Turns of calls: a few calls of one customer are worked on at once, and the others wait in line.

A call costs the event loop milliseconds in the SDK. A hundred calls that arrive or hang up together would have a step
each before any other request has its next one. A call that waits for a generation holds no turn.
"""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

_AT_ONCE = 4


class Turn:
    """The turn of one call."""

    def __init__(self, line: asyncio.Semaphore) -> None:
        self._line = line
        self._is_held = False
        self._is_over = False
        # The call and the end of its connection may ask at the same time.
        self._asking = asyncio.Lock()

    async def take(self) -> None:
        """Wait for the turn, unless the call holds it or has ended."""
        async with self._asking:
            if not (self._is_held or self._is_over):
                await self._line.acquire()
                self._has_come()

    def _has_come(self) -> None:
        self._is_held = True
        if self._is_over:
            self.give_back()

    def give_back(self) -> None:
        """Let the next call of the customer have the turn."""
        if self._is_held:
            self._is_held = False
            self._line.release()

    def end(self) -> None:
        """Give the turn back for good."""
        self._is_over = True
        self.give_back()


class Turns:
    """The lines of all customers, in one event loop."""

    def __init__(self) -> None:
        self._lines: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, customer: Hashable) -> AsyncGenerator[Turn]:
        """A turn of the customer, which ends with the block."""
        line = self._lines.get(customer)
        if line is None:
            line = self._lines[customer] = asyncio.Semaphore(_AT_ONCE)
        turn = Turn(line)
        await turn.take()
        try:
            yield turn
        finally:
            turn.end()
