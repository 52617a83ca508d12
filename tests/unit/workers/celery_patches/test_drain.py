"""`tests/e2e` covers the patched pool: a worker that ends within its bound."""

from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest
from celery.concurrency.base import BasePool
from celery.concurrency.thread import TaskPool

from tests.upstream import mended
from workers.celery_patches import drain

NOTICE_SECONDS = 0.5


@pytest.fixture
def step() -> Iterator[Event]:
    """A step that runs until the test sets the event."""
    event = Event()
    yield event
    event.set()


def test_celery_waits_for_a_running_step_without_a_bound(step: Event) -> None:
    pool: Any = TaskPool(1)
    pool.start()
    has_begun = Event()

    def run() -> None:
        has_begun.set()
        step.wait()

    pool.on_apply(run, (), {})
    assert has_begun.wait(60)

    stopping = Thread(target=pool.stop)
    stopping.start()
    stopping.join(NOTICE_SECONDS)
    is_waiting = stopping.is_alive()
    step.set()
    stopping.join()

    assert is_waiting, mended(drain)


def test_celery_cannot_cancel_a_step() -> None:
    # The pool of threads leaves this method to the base class, which refuses.
    assert TaskPool.terminate_job is BasePool.terminate_job, mended(drain)
