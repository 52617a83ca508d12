"""A consumer of the stream of events, as a service would write one: a group, and a set of known event ids."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

STREAM = "reelworks:events"

_GROUP = "chaos"
_CONSUMER = "one"
_UNACKNOWLEDGED, _NEW = "0", ">"
_BLOCK_MS = 500
_AGAIN_AFTER_SECONDS = 0.2
_MOST = 200


@dataclass(frozen=True)
class Heard:
    """An event of the stream, when the consumer heard it for the first time."""

    event_id: int
    """The event."""
    type: str
    """The type."""
    generation_id: str
    """The generation."""


class Consumer:
    """Reads the stream until it is told to stop."""

    def __init__(self, redis_url: str) -> None:
        self.heard: dict[int, Heard] = {}
        """The events by id, in the order in which they came."""
        self.repeated = 0
        """The entries whose event was known."""
        self.groups_made = 0
        """How often the consumer made its group: once, and after each loss of the stream."""
        self._redis = Redis.from_url(redis_url, decode_responses=True, socket_timeout=5)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="consumer", daemon=True)

    def start(self) -> None:
        """Make the group, and start to read."""
        self._thread.start()

    def finish(self) -> None:
        """Read no further."""
        self._over.set()
        self._thread.join()
        self._redis.close()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                # Entries that were read and not acknowledged come first.
                while self._read(_UNACKNOWLEDGED):
                    pass
                while not self._over.is_set():
                    self._read(_NEW)
            except (RedisError, OSError) as error:
                if str(error).startswith("NOGROUP"):
                    self._make_group()
                self._over.wait(_AGAIN_AFTER_SECONDS)

    def _read(self, position: str) -> int:
        """Read, record and acknowledge some entries. Returns their number."""
        answer: Any = self._redis.xreadgroup(_GROUP, _CONSUMER, {STREAM: position}, count=_MOST, block=_BLOCK_MS)
        entries = [entry for _, found in answer or [] for entry in found]
        for entry_id, fields in entries:
            # A trimmed entry that was never acknowledged has no fields.
            if fields:
                self._record(fields)
            self._redis.xack(STREAM, _GROUP, entry_id)
        return len(entries)

    def _record(self, fields: Mapping[str, str]) -> None:
        event = json.loads(fields["event"])
        heard = Heard(event["sequence"], event["type"], event["data"]["generation_id"])
        if heard.event_id in self.heard:
            self.repeated += 1
        else:
            self.heard[heard.event_id] = heard

    def _make_group(self) -> None:
        with suppress(RedisError, OSError):
            self._redis.xgroup_create(STREAM, _GROUP, id="0", mkstream=True)
            self.groups_made += 1


@contextmanager
def consuming(redis_url: str) -> Iterator[Consumer]:
    """A running consumer. It ends with the block."""
    consumer = Consumer(redis_url)
    consumer.start()
    try:
        yield consumer
    finally:
        consumer.finish()
