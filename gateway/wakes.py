"""Sending wake-ups without waiting for Redis."""

import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

import structlog

from storage.generations import Wake

log = structlog.get_logger()

# A wake-up that finds this many before it is dropped: Redis does not answer, and the row's `wake_at` does its work.
_BACKLOG = 1000

_BATCH = 100

# While a queue is full, its workers are in no hurry, and each look at it costs as much as a request.
_GATHER_SECONDS = 0.05


class WakeSender:
    """Sends wake-ups from a thread of its own, and together those that came while it was busy.

    They are not sent from the threads that serve requests (which is where a background task of FastAPI's runs): when
    Redis hangs, each send takes seconds, and soon no thread would be left to serve anybody.
    """

    def __init__(self, send: Callable[..., bool]) -> None:
        """`send` takes any number of wakes, one argument each, and tells whether all were sent."""
        self._send = send
        self._waiting: deque[Wake] = deque()
        self._is_closed = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="wake-sender", daemon=True)
        self._thread.start()

    def send(self, wake: Wake) -> None:
        """Send a wake-up soon, or drop it. Returns at once; call it after the commit."""
        with self._changed:
            if len(self._waiting) < _BACKLOG:
                self._waiting.append(wake)
                self._changed.notify()
                return
        log.warning("wake_dropped", generation_id=str(wake.generation_id))

    def close(self) -> None:
        """Finish the wake-ups that are being sent and drop those that wait."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next():
            try:
                if not self._send(*batch):
                    time.sleep(_GATHER_SECONDS)
            except Exception as error:  # noqa: BLE001 -- the thread's edge: nobody else would hear of it
                log.error("wakes_failed", count=len(batch), error=type(error).__name__)

    def _next(self) -> list[Wake]:
        """What is to be sent next; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            if self._is_closed:
                return []
            return [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
