from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.worker import WorkController
from celery.worker.consumer import Consumer
from kombu.asynchronous import Hub

from tests.upstream import mended
from workers.celery_patches import event_batches
from workers.celery_patches.event_batches import BatchingConsumer

ROUNDS = 3


class Events:
    """Counts the sendings of the event buffer."""

    def __init__(self) -> None:
        self.sendings = 0

    def flush(self) -> None:
        self.sendings += 1


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.close()


def sendings(app: Celery, hub: Any, consumer_class: type[Consumer]) -> int:
    """The number of sendings after one event in each of three turns of the event loop."""
    worker: Any = WorkController(
        app=app, hostname="worker@host", pool_cls="solo", concurrency=1, consumer_cls=consumer_class
    )
    events = Events()
    worker.consumer.hub, worker.consumer.event_dispatcher = hub, events
    for _ in range(ROUNDS):
        worker.consumer.on_send_event_buffered()
        hub.call_soon(lambda: None)
        hub.run_once()
    return events.sendings


def test_celery_sends_events_at_each_turn_of_the_loop(app: Celery, hub: Hub) -> None:
    assert sendings(app, hub, Consumer) == ROUNDS, mended(event_batches)


def test_patched_consumer_leaves_events_to_the_timer(app: Celery, hub: Hub) -> None:
    assert sendings(app, hub, BatchingConsumer) == 0
