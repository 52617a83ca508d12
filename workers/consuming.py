"""The queues from which a Celery worker takes messages, while it runs."""

from collections.abc import Sequence
from typing import Any

import structlog
from celery.signals import worker_ready

from schemas.enums import Queue

log = structlog.get_logger()


class Consuming:
    """Stops and resumes the consumption of a worker's queues.

    Messages that a stopped worker has taken are not lost: their rows are due for other workers (`tasks.pipeline`).
    """

    def __init__(self, queues: Sequence[Queue]) -> None:
        self._queues = queues
        self._takes = True
        self._consumer: Any = None
        worker_ready.connect(self._on_ready, weak=False)

    def change(self, takes: bool) -> None:
        """Consume the queues, or none. May be called in any thread, also before the worker is ready."""
        self._takes = takes
        if self._consumer is not None:
            self._consumer.call_soon(self._apply)

    def _on_ready(self, sender: Any, **_: object) -> None:
        self._consumer = sender
        if not self._takes:
            self._apply()

    def _apply(self) -> None:
        """Runs in the thread of Celery's event loop. Celery remembers the change when it connects again."""
        try:
            for queue in self._queues:
                if self._takes:
                    self._consumer.add_task_queue(queue.value)
                else:
                    self._consumer.cancel_task_queue(queue.value)
        except Exception:
            # The gate before new claims is closed all the same.
            log.exception("queues_not_changed", takes=self._takes)
