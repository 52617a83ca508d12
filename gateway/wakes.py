"""Sending wake-ups without waiting for Redis."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

import structlog

from storage.generations import Wake

log = structlog.get_logger()

_THREADS = 2

# A wake-up that finds this many before it is dropped: Redis does not answer, and the row's `wake_at` does its work.
_BACKLOG = 1000


class WakeSender:
    """Sends wake-ups from threads of its own.

    They are not sent from the threads that serve requests (which is where a background task of FastAPI's runs): when
    Redis hangs, each send takes seconds, and soon no thread would be left to serve anybody.
    """

    def __init__(self, send: Callable[[Wake], object]) -> None:
        self._send = send
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="wake-sender")
        self._room = BoundedSemaphore(_BACKLOG)

    def send(self, wake: Wake) -> None:
        """Send a wake-up soon, or drop it. Returns at once; call it after the commit."""
        if not self._room.acquire(blocking=False):
            log.warning("wake_dropped", generation_id=str(wake.generation_id))
            return
        sending = self._threads.submit(self._try, wake)
        sending.add_done_callback(lambda _: self._room.release())

    def close(self) -> None:
        """Finish the wake-ups that are being sent and drop those that wait."""
        self._threads.shutdown(cancel_futures=True)

    def _try(self, wake: Wake) -> None:
        try:
            self._send(wake)
        except Exception as error:  # noqa: BLE001 -- the thread's edge: nobody else would hear of it
            log.error("wake_failed", generation_id=str(wake.generation_id), error=type(error).__name__)
