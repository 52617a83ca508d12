"""A Celery worker that is built and not started, and its messages, on a broker in memory."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery
from celery.result import allow_join_result
from kombu import Message, Producer, Queue

Receive = Callable[..., Message]


@pytest.fixture(autouse=True)
def later_tests_may_wait() -> Iterator[None]:
    """Undo that a worker forbids its process to wait for answers."""
    with allow_join_result():
        yield


@pytest.fixture
def app() -> Iterator[Celery]:
    """An application with the task `work`."""
    with Celery("patches", broker="memory://", backend="cache+memory://", set_as_current=False) as app:

        @app.task(name="work", shared=False)
        def work() -> None:
            """Does nothing: no test runs the task."""

        yield app


@pytest.fixture
def receive(app: Celery) -> Iterator[Receive]:
    """Send a message and return the received message. Bytes are sent as they are, other bodies as JSON."""
    with app.connection() as connection:
        channel: Any = connection.default_channel
        queue = Queue("messages")(channel)
        queue.declare()

        def send_and_receive(headers: dict[str, object] | None, body: object) -> Message:
            raw: Any = (
                {"content_type": "application/json", "content_encoding": "utf-8"} if isinstance(body, bytes) else {}
            )
            Producer(channel).publish(body, headers=headers, routing_key=queue.name, **raw)
            message: Message | None = queue.get()
            assert message is not None
            return message

        yield send_and_receive
