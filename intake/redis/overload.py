"""The number of requests that wait at the Redis door. Beyond a limit, orders are refused.

The key `reelworks:door` tells clients the state before they send, as JSON. The key expires: a client that finds none
knows that no process serves the door.
"""

import json
from dataclasses import dataclass
from typing import Final

import structlog
from redis import Redis

from intake.redis import keys
from schemas.door_settings import DoorSettings
from schemas.errors import Overloaded

log = structlog.get_logger()

STATE_KEY: Final = "reelworks:door"
"""The key that tells clients the state of the door."""

STATE_SECONDS: Final = 10
"""The life of the key. The process of the door writes the key each second."""

# Clients must learn that the door is overloaded where Redis is full.
_TELL: Final = "#!lua flags=allow-oom\nredis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])"


@dataclass(frozen=True)
class Load:
    """The requests that wait, and the limit."""

    waiting: int
    """The requests in Redis that no process has taken."""
    settings: DoorSettings
    """The limit, and the pause that a refusal asks for."""

    @property
    def is_over(self) -> bool:
        """Whether orders are refused."""
        return self.waiting > self.settings.most_waiting

    def refusal(self) -> Overloaded:
        """The refusal of an order."""
        seconds = self.settings.retry_after_seconds
        return Overloaded(
            f"{self.waiting} requests wait at this door, and it takes orders while up to {self.settings.most_waiting} "
            f"wait: send the order again after {seconds} s, with the same idempotency_key",
            {"retry_after": seconds},
        )

    def document(self) -> dict[str, object]:
        """The state for clients."""
        return {
            "state": "overloaded" if self.is_over else "open",
            "depth": self.waiting,
            "most": self.settings.most_waiting,
            "retry_after": self.settings.retry_after_seconds if self.is_over else None,
            "requires_signatures": self.settings.require_signatures,
        }


class Gauge:
    """Measures the load of the door, and tells clients the state."""

    def __init__(self, redis: Redis, settings: DoorSettings) -> None:
        self._redis = redis
        self._tell = redis.register_script(_TELL)
        self.load = Load(0, settings)
        """The last measure."""
        self._strange: set[str] = set()

    def measure(self) -> None:
        """Count the requests that wait, and write the key for clients.

        Raises:
            RedisError: Redis did not answer.
        """
        with self._redis.pipeline(transaction=False) as pipe:
            for name in keys.REQUEST_LISTS:
                pipe.llen(name)
            lengths = pipe.execute(raise_on_error=False)
        self.load = Load(sum(map(self._counted, keys.REQUEST_LISTS, lengths)), self.load.settings)
        self._tell(keys=[STATE_KEY], args=[json.dumps(self.load.document()), STATE_SECONDS])

    def _counted(self, name: str, length: int | Exception) -> int:
        """The length of a list. A key of another type hides no other list, and is logged once."""
        if isinstance(length, int):
            self._strange.discard(name)
            return length
        if keys.WRONG_TYPE not in str(length):
            raise length
        if name not in self._strange:
            self._strange.add(name)
            log.error("requests_are_no_list", key=name)
        return 0
