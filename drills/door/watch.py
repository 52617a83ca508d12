"""Notes when the answer to each order comes, and counts repeated answers."""

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Self

from redis import Redis

from drills.door.clients import Clients, Form

_LOOK_EVERY_SECONDS = 0.01
_LISTEN_SECONDS = 0.2
_CHANNEL = "celery-task-meta-"


@dataclass
class Asked:
    """An order that was sent."""

    form: Form
    """The form of the message."""
    id: str
    """The id of the message."""
    sent_at: float
    """The time of sending (`time.monotonic()`)."""
    waited_seconds: float | None = None
    """The time to the answer. None: no answer has come."""


class Watch:
    """Watches for answers until the end of the block."""

    def __init__(self, clients: Clients, redis: Redis) -> None:
        self.asked: list[Asked] = []
        """The orders."""
        self._clients = clients
        self._redis = redis
        # Celery's result backend keeps one answer for a message, and publishes each.
        self._published: Counter[str] = Counter()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._look, self._listen)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def counts(self) -> dict[str, int]:
        """The number of answers to each order, by message."""
        now = self._clients.count([(asked.form, asked.id) for asked in self.asked])
        return {asked.id: max(count, self._published[asked.id]) for asked, count in zip(self.asked, now, strict=True)}

    def _look(self) -> None:
        while not self._over.wait(_LOOK_EVERY_SECONDS):
            waiting = [asked for asked in self.asked if asked.waited_seconds is None]
            counts = self._clients.count([(asked.form, asked.id) for asked in waiting])
            now = time.monotonic()
            for asked, count in zip(waiting, counts, strict=True):
                if count:
                    asked.waited_seconds = now - asked.sent_at

    def _listen(self) -> None:
        with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:  # type: ignore[no-untyped-call]
            pubsub.psubscribe(f"{_CHANNEL}*")
            while not self._over.is_set():
                message: Any = pubsub.get_message(timeout=_LISTEN_SECONDS)
                if message is not None:
                    self._published[message["channel"].removeprefix(_CHANNEL)] += 1
