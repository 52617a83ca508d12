"""Announces over Redis that generations changed. An announcement is a hint: the hub reads the rows.

Redis keeps no announcement. Without a hub that listens, a process announces once a second at most.
"""

import time
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from threading import Thread
from uuid import UUID

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = structlog.get_logger()

CHANNEL = "reelworks:changes"
"""The channel. The numbered databases of a Redis share it: ids of another system are unknown here and do no harm."""

# Announcements beyond this number are dropped: Redis does not answer, and hubs look each second anyway.
_BACKLOG = 1000
_BATCH = 100

# Each batch gathers the changes of so long, and costs one round trip.
_GATHER_SECONDS = 0.01

# Without a listener, or without Redis. A hub that begins to listen looks at everything in this time.
_SILENCE_SECONDS = 1.0

Change = tuple[UUID, UUID]
"""A generation and its customer."""


class Announcer:
    """Announces changes from a separate thread, so that no step and no request waits for Redis."""

    def __init__(self, redis_url: str, *, channel: str = CHANNEL) -> None:
        self._channel = channel
        once = Retry(NoBackoff(), 0)
        self._redis: Redis = Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=1, retry=once)
        self._waiting: SimpleQueue[Change | None] = SimpleQueue()
        self._silent_until = 0.0
        self._thread = Thread(target=self._run, name="announcer", daemon=True)
        self._thread.start()

    def announce(self, generation_id: UUID, customer_id: UUID) -> None:
        """Announce a change. Returns at once, and never raises. Call this after the commit."""
        if time.monotonic() >= self._silent_until and self._waiting.qsize() < _BACKLOG:
            self._waiting.put((generation_id, customer_id))

    def close(self) -> None:
        """Announce what is waiting, and end the thread."""
        self._waiting.put(None)
        self._thread.join()
        self._redis.close()

    def _run(self) -> None:
        while batch := self._next():
            if time.monotonic() < self._silent_until:
                continue
            if not self._publish(batch):
                self._silent_until = time.monotonic() + _SILENCE_SECONDS
            time.sleep(_GATHER_SECONDS)

    def _publish(self, batch: Sequence[Change]) -> int:
        """Returns the number of listeners. 0 if Redis does not answer."""
        try:
            return int(self._redis.publish(self._channel, encoded(batch)))
        except (RedisError, OSError) as error:
            log.info("changes_not_announced", count=len(batch), error=type(error).__name__)
            return 0

    def _next(self) -> list[Change]:
        """Wait for announcements. Empty after `close`."""
        batch: list[Change] = []
        while not batch or (len(batch) < _BATCH and not self._waiting.empty()):
            change = self._waiting.get()
            if change is None:
                # For the next call, which then returns nothing.
                self._waiting.put(None)
                break
            batch.append(change)
        return batch


def encoded(changes: Sequence[Change]) -> str:
    """The text of an announcement."""
    return " ".join(f"{generation_id} {customer_id}" for generation_id, customer_id in changes)


def decoded(text: str) -> Iterator[Change]:
    """The changes of an announcement.

    Raises:
        ValueError: the text is no announcement.
    """
    ids = [UUID(each) for each in text.split()]
    return iter(zip(ids[::2], ids[1::2], strict=True))
