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
        self._applied: bool | None = None
        self._consumer: Any = None
        self._is_told = False
        worker_ready.connect(self._on_ready, weak=False)

    def follow(self, takes: bool) -> None:
        """Consume the queues, or none. Called each second, so that a change that failed is repeated until it is made.

        May be called in any thread, also before the worker is ready.
        """
        self._takes = takes
        if self._consumer is not None and self._applied is not takes:
            self._consumer.call_soon(self._apply)

    def _on_ready(self, sender: Any, **_: object) -> None:
        self._consumer = sender
        self._apply()

    def _apply(self) -> None:
        """Change the queues that are not as they are to be. Runs in the thread of Celery's event loop."""
        takes, self._applied = self._takes, None
        undone = [queue for queue in self._queues if not self._is_done(queue, takes)]
        failed = [queue for queue in undone if not self._change(queue, takes)]
        self._is_told = bool(failed)
        if not failed:
            self._applied = takes

    def _is_done(self, queue: Queue, takes: bool) -> bool:
        """Whether the worker consumes the queue exactly if it is to, now and after its next connection."""
        is_selected = queue.value in self._consumer.app.amqp.queues.consume_from
        now = self._consumer.task_consumer
        is_consumed = now is not None and now.consuming_from(queue.value)
        return is_selected is takes and is_consumed is takes

    def _change(self, queue: Queue, takes: bool) -> bool:
        """Change one queue. Returns False if that failed: the gate before new claims is closed or open all the same."""
        try:
            if takes:
                self._consumer.add_task_queue(queue.value)
            else:
                self._consumer.cancel_task_queue(queue.value)
        except Exception:
            if not self._is_told:
                log.exception("queues_not_changed", takes=takes, queue=queue.value)
            return False
        return True
