"""Background work and deliberate waiting, both of which end at once when the server stops."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import TypeVar

logger = logging.getLogger("sandbox")

T = TypeVar("T")


class Stopping(Exception):
    """Raised where work was waiting when the server stopped."""


# The event loop counts in milliseconds, and a pause may be long but not short.
_CLOCK_GRAIN_SECONDS = 0.001


class Lifetime:
    """The life of one running sandbox."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()

    async def pause(self, seconds: float, *, until: asyncio.Event | None = None) -> None:
        """Wait, but no longer than until the event. Raises `Stopping` when the server stops first."""
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
        """The result of the work. Raises `Stopping` when the server stops first, or the work was cancelled."""
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
        """Run the work in the background; an error in it is logged."""
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
        """Abandon everything that was spawned."""
        for task in self._background:
            task.cancel()

    def stop(self) -> None:
        """End every pause and all background work."""
        self._stopping.set()
        self.cancel_background()
