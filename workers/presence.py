"""Shows a process that is no Celery worker to Flower and to the health checks, by the events of Celery's workers.

A lost event does no harm: Flower then shows less, and the next heartbeat comes within a second.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from socket import gethostname
from threading import Event, Thread
from typing import Any, Final

import structlog
from celery import Celery
from celery.utils.sysinfo import load_average
from celery.worker.state import SOFTWARE_INFO
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = structlog.get_logger()

_HEARTBEAT_SECONDS: Final = 1.0
_RECONNECT_SECONDS: Final = 1.0
_END_SECONDS: Final = 2.0
# Events beyond this number are dropped: Redis does not answer.
_BACKLOG: Final = 2000
_TROUBLE: Final = (OperationalError, RedisError, OSError)

_Told = tuple[str, dict[str, object]]


class Presence:
    """Sends the events of a process from a separate thread, so that no work waits for Redis."""

    def __init__(self, app: Celery, name: str) -> None:
        """Describe the process. `present` sends its events.

        Args:
            name: the name of the node, such as `notify`.
        """
        self._app = app
        self._node = f"{name}@{gethostname()}"
        self._told: SimpleQueue[_Told] = SimpleQueue()
        self._counts: Counter[str] = Counter()
        self._over = Event()
        self._thread = Thread(target=self._run, name="presence", daemon=True)

    def tell(self, kind: str, **fields: object) -> None:
        """Send a task event, such as `task-succeeded`, with its time. Returns at once, and never raises.

        Args:
            fields: those that Celery's event of this kind has; `uuid` is the id of the task.
        """
        self._counts[kind] += 1
        if self._told.qsize() < _BACKLOG:
            self._told.put((kind, {"timestamp": time.time(), **fields}))

    def start(self) -> None:
        """Begin to send heartbeats."""
        self._thread.start()

    def stop(self) -> None:
        """Send the last events, and say that the process ends."""
        self._over.set()
        self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with self._app.connection_for_write() as connection:
                    self._send_all(self._dispatcher(connection))
            except _TROUBLE as error:
                log.info("events_not_sent", error=type(error).__name__)
                self._over.wait(_RECONNECT_SECONDS)

    def _dispatcher(self, connection: Any) -> Any:
        return self._app.events.Dispatcher(
            connection, hostname=self._node, buffer_while_offline=False, buffer_group=["task"], buffer_limit=_BACKLOG
        )

    def _send_all(self, dispatcher: Any) -> None:
        """Send heartbeats, and between them what was told, in one message."""
        self._show(dispatcher, "worker-online")
        while not self._over.is_set():
            self._show(dispatcher, "worker-heartbeat")
            self._send_told(dispatcher, until=time.monotonic() + _HEARTBEAT_SECONDS)
        self._send_told(dispatcher, until=time.monotonic())
        self._show(dispatcher, "worker-offline")

    def _send_told(self, dispatcher: Any, *, until: float) -> None:
        while (left := until - time.monotonic()) > 0 or not self._told.empty():
            try:
                kind, fields = self._told.get(timeout=max(0.0, min(left, _HEARTBEAT_SECONDS / 4)))
            except Empty:
                dispatcher.flush()
                if self._over.is_set():
                    return
            else:
                dispatcher.send(kind, **fields)
        dispatcher.flush()

    def _show(self, dispatcher: Any, kind: str) -> None:
        ended = self._counts["task-succeeded"] + self._counts["task-failed"] + self._counts["task-rejected"]
        dispatcher.send(
            kind,
            freq=_HEARTBEAT_SECONDS,
            active=max(0, self._counts["task-started"] - ended),
            processed=ended,
            loadavg=load_average(),
            **SOFTWARE_INFO,
        )


@contextmanager
def present(app: Celery, name: str) -> Iterator[Presence]:
    """Show the process while the block runs."""
    presence = Presence(app, name)
    presence.start()
    try:
        yield presence
    finally:
        presence.stop()
