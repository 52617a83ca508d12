"""Bounds the end of a worker.

Celery's pool of threads waits for the last step, however long the step takes. Celery cannot cancel a thread, so its
soft and cold shutdowns wait too.
"""

import os
import signal
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import FrameType
from typing import Any

import structlog
from celery.concurrency.thread import TaskPool
from celery.signals import worker_shutdown
from celery.worker import state
from sqlalchemy.exc import SQLAlchemyError

from tasks.services import current_services

log = structlog.get_logger()

_CHECK_SECONDS = 0.1
# The time for steps to notice the loss of their leases: a step then withdraws its upload instead of leaving a part.
_LETTING_GO_SECONDS = 1.0


class DrainingPool(TaskPool):
    """A pool of threads whose end has a bound.

    SIGTERM and SIGINT: the worker takes no new message and finishes the running steps. After `worker_drain_seconds` the
    worker hands back the steps that still run. SIGQUIT: the worker hands back all running steps at once.
    """

    executor: ThreadPoolExecutor

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._running: set[Future[object]] = set()
        self._ends_at: float | None = None

    def on_start(self) -> None:
        """Replace Celery's signal handlers, which Celery has installed by now. There, a second signal kills."""
        super().on_start()
        signal.signal(signal.SIGTERM, self._drain)
        signal.signal(signal.SIGINT, self._drain)
        signal.signal(signal.SIGQUIT, self._hasten)

    def _drain(self, _number: int, _frame: FrameType | None) -> None:
        # A signal to the process group arrives twice: directly, and by the supervisor.
        if self._ends_at is None:
            self._ends_at = time.monotonic() + current_services().settings.worker_drain_seconds
        state.should_stop = os.EX_OK  # type: ignore[assignment]  # None until then

    def _hasten(self, _number: int, _frame: FrameType | None) -> None:
        self._ends_at = time.monotonic()
        state.should_stop = os.EX_OK  # type: ignore[assignment]  # None until then

    def on_apply(self, *args: object, **kwargs: object) -> Any:
        """Start a step in a thread, or keep the step until a thread is free."""
        applied = super().on_apply(*args, **kwargs)  # type: ignore[arg-type]  # handed on as it came
        step: Future[object] = applied.f
        self._running.add(step)
        step.add_done_callback(self._running.discard)
        return applied

    def on_close(self) -> None:
        """Start no more steps. Celery returns the waiting messages to Redis later: they were not acknowledged."""
        super().on_close()
        self.executor.shutdown(wait=False, cancel_futures=True)
        current_services().threads.end()

    def on_stop(self) -> None:
        """Wait for the running steps. Hand back the steps that outlast the bound."""
        if self._ends_at is None:
            self._ends_at = time.monotonic() + current_services().settings.worker_drain_seconds
        if self._running:
            log.info("worker_drains", running=len(self._running))
        # Short waits: a signal may move the end.
        while self._running and time.monotonic() < self._ends_at:
            wait(self._running.copy(), timeout=_CHECK_SECONDS)
        if self._running:
            self._hand_back()

    def _hand_back(self) -> None:
        try:
            services = current_services()
            count = services.leases.hand_back() + services.variant_leases.hand_back()
        except SQLAlchemyError as error:
            log.warning("leases_not_handed_back", error=type(error).__name__)
        else:
            log.warning("work_handed_back", count=count)
        wait(self._running.copy(), timeout=_LETTING_GO_SECONDS)
        # Python would wait for the remaining threads. This signal is Celery's last action.
        worker_shutdown.connect(_leave, weak=False)


def _leave(**_: object) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(os.EX_OK)
