"""A worker consumes the queues that it is to consume, also after a change that failed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from celery.signals import worker_ready
from redis import Redis

from schemas.enums import Queue
from schemas.settings import Settings
from tests.support import eventually
from workers.app import create_app
from workers.consuming import Consuming

QUEUES = [Queue.SUBMIT, Queue.POLL, Queue.DOWNLOAD]
NAMES = {queue.value for queue in QUEUES}

Consumed = Callable[[], set[str]]


@pytest.fixture
def consuming() -> Consuming:
    return Consuming(QUEUES)


@pytest.fixture
def consumed(stream_settings: Settings, stream_redis: Redis, consuming: Consuming) -> Iterator[Consumed]:
    """The queues that a running worker consumes."""
    with create_app(stream_settings, process="worker") as app:
        app.amqp.queues.select([queue.value for queue in QUEUES])
        with start_worker(app, pool="threads", perform_ping_check=False, shutdown_timeout=300) as started:
            worker: Any = started

            def names() -> set[str]:
                consumer = worker.consumer.task_consumer
                return {name for name in NAMES if consumer is not None and consumer.consuming_from(name)}

            eventually(names, lambda found: found == NAMES)
            worker_ready.send(sender=worker.consumer)  # Celery's worker for tests does not send this signal
            yield names


def test_worker_stops_and_resumes_its_queues(consuming: Consuming, consumed: Consumed) -> None:
    consuming.follow(False)
    eventually(consumed, lambda found: found == set())

    consuming.follow(True)
    eventually(consumed, lambda found: found == NAMES)


def test_a_change_that_fails_at_a_queue_is_made_at_the_others_and_repeated(
    consuming: Consuming, consumed: Consumed, stream_redis: Redis
) -> None:
    consuming.follow(False)
    eventually(consumed, lambda found: found == set())
    stream_redis.set(Queue.SUBMIT, "no list, so Redis refuses the queue")

    consuming.follow(True)
    eventually(consumed, lambda found: found == NAMES - {Queue.SUBMIT})

    stream_redis.delete(Queue.SUBMIT)
    consuming.follow(True)
    eventually(consumed, lambda found: found == NAMES)
