"""Sends the events of stages to Flower, with the events of the worker's tasks."""

from typing import Any

from celery.signals import worker_ready


class StageEvents:
    """Sends by the event dispatcher of this process's Celery worker. Before the worker is ready, nothing is sent."""

    def __init__(self) -> None:
        self._consumer: Any = None
        worker_ready.connect(self._ready)

    def tell(self, kind: str, **fields: object) -> None:
        """Buffer an event. Returns at once, and never raises: the timer sends the buffer."""
        # A reconnect makes a new dispatcher.
        dispatcher = getattr(self._consumer, "event_dispatcher", None)
        if dispatcher is not None and dispatcher.enabled:
            dispatcher.send(kind, **fields)

    def _ready(self, sender: Any, **_: object) -> None:
        self._consumer = sender
