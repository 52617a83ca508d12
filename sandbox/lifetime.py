"""Background work and deliberate pauses. Both end at once when the server stops."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import TypeVar

logger = logging.getLogger("sandbox")

T = TypeVar("T")


class Stopping(Exception):
    """The server stopped during a pause."""


# The event loop counts in milliseconds. A pause may be longer than asked, never shorter.
_CLOCK_GRAIN_SECONDS = 0.001


class Lifetime:
    """The lifetime of one running sandbox."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()

    async def pause(self, seconds: float, *, until: asyncio.Event | None = None) -> None:
        """Wait for the time or the event, whichever comes first. Raises `Stopping` if the server stops first."""
        if seconds <= 0:
            return
        ends = [asyncio.create_task(event.wait()) for event in (self._stopping, until) if event is not None]
        try:
            await asyncio.wait(ends, timeout=seconds + _CLOCK_GRAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        if self._stopping.is_set():
            raise Stopping

    async def until_stopped(self, work: Coroutine[None, None, T] | asyncio.Task[T]) -> T:
        """The result of the work. Raises `Stopping` if the server stops first or the work is cancelled."""
        task = asyncio.ensure_future(work)
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if not task.done() or task.cancelled():
            task.cancel()
            raise Stopping
        return task.result()

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run the work in the background and log its errors."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, Stopping):
            logger.error("background work failed", exc_info=error)

    def cancel_background(self) -> None:
        """Cancel all background work."""
        for task in self._background:
            task.cancel()

    def stop(self) -> None:
        """End every pause and all background work."""
        self._stopping.set()
        self.cancel_background()
