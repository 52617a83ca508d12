"""Sends wake-ups without blocking on Redis."""

import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

import structlog

from storage.generations import Wake

log = structlog.get_logger()

# The most waiting wake-ups. Further ones are dropped: Redis does not answer, and the row's `wake_at` replaces them.
_BACKLOG = 10_000

_BATCH = 100

# The pause after a full queue. Its workers have enough work, and each check of the queue costs as much as a request.
_GATHER_SECONDS = 0.05


class WakeSender:
    """Sends wake-ups from a separate thread, in batches.

    Wake-ups are not sent from the threads that serve requests, where FastAPI's background tasks run. If Redis hangs,
    each send takes seconds, and soon all those threads would be blocked.
    """

    def __init__(self, send: Callable[..., bool]) -> None:
        """`send` takes wake-ups as arguments and returns whether all were sent."""
        self._send = send
        self._waiting: deque[Wake] = deque()
        self._is_closed = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="wake-sender", daemon=True)
        self._thread.start()

    def send(self, *wakes: Wake) -> None:
        """Queue wake-ups, and drop those that do not fit. Returns at once. Call this after the commit."""
        with self._changed:
            fitting = wakes[: max(_BACKLOG - len(self._waiting), 0)]
            self._waiting.extend(fitting)
            self._changed.notify()
        for wake in wakes[len(fitting) :]:
            log.warning("wake_dropped", generation_id=str(wake.generation_id))

    def close(self) -> None:
        """Finish the current batch, and drop the waiting wake-ups."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next():
            try:
                if not self._send(*batch):
                    time.sleep(_GATHER_SECONDS)
            except Exception as error:  # noqa: BLE001 -- no caller would log it
                log.error("wakes_failed", count=len(batch), error=type(error).__name__)

    def _next(self) -> list[Wake]:
        """The next batch; empty after `close`."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            if self._is_closed:
                return []
            return [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
