"""Hears the heartbeats of workers: events that each worker publishes every two seconds, whatever commands it takes."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

from celery import Celery

Heartbeats = Mapping[str, Mapping[str, Any]]
"""The latest heartbeat of each worker, by the node's name, such as `provider@host`."""


def hear(app: Celery, *, seconds: float, is_enough: Callable[[Heartbeats], bool] = lambda _: False) -> Heartbeats:
    """Listen for some time. `is_enough` ends the time early.

    Raises:
        OperationalError: Redis did not answer.
    """
    heard: dict[str, Mapping[str, Any]] = {}
    ends_at = monotonic() + seconds
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, routing_key="worker.heartbeat")

        def on_heartbeat(event: Mapping[str, Any]) -> None:
            if isinstance(name := event.get("hostname"), str):
                heard[name] = event
            receiver.should_stop = is_enough(heard) or monotonic() > ends_at

        receiver.handlers = {"worker-heartbeat": on_heartbeat}
        # Without a heartbeat the receiver ends by its timeout, and with heartbeats by the rule above.
        with suppress(TimeoutError):
            receiver.capture(timeout=seconds, wakeup=False)
    return heard
