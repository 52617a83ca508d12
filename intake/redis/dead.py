"""The dead: messages whose senders cannot be told. An operator sees why, and puts a message back or drops it.

The list is bounded, by number and by size. A message may hold a prompt, so the list also ends after a week.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel
from redis import Redis

from intake.redis import keys
from intake.redis.taking import Taken

_MOST: Final = 1000
_MOST_BYTES: Final = 64 * 1024
_BEGINNING_BYTES: Final = 1024
_KEPT_SECONDS: Final = 7 * 86_400

# A message that is put back begins without deaths.
_ADD: Final = """#!lua flags=allow-oom
local raw = redis.call('RPOP', KEYS[1])
if not raw then return 0 end
redis.call('HDEL', KEYS[4], redis.sha1hex(raw))
redis.call('LPUSH', KEYS[2], ARGV[1])
redis.call('LTRIM', KEYS[2], 0, ARGV[2] - 1)
redis.call('EXPIRE', KEYS[2], ARGV[3])
return redis.call('INCR', KEYS[3])
"""

_PUT_BACK: Final = """#!lua flags=allow-oom
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
redis.call('HDEL', KEYS[3], redis.sha1hex(ARGV[2]))
return redis.call('LPUSH', KEYS[2], ARGV[2])
"""


class _Head(BaseModel):
    """The first line of an entry. The message follows, in any bytes."""

    id: str
    at: datetime
    reason: str
    size: int


@dataclass(frozen=True)
class Dead:
    """A message of the list."""

    id: str
    """The id of the entry."""
    at: datetime
    """The time at which the door gave the message up."""
    reason: str
    """Why the door could not read the message."""
    size: int
    """The size of the message in bytes."""
    is_whole: bool
    """Whether the list has the whole message. Of a large message it has the beginning, which cannot be put back."""


class DeadLetters:
    """The list of the dead."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._add = redis.register_script(_ADD)
        self._put_back = redis.register_script(_PUT_BACK)

    def add(self, taken: Taken, reason: str) -> bool:
        """Move a message from its taker to the list. False: the taker has the message no more.

        Raises:
            RedisError: Redis did not answer. Call again.
        """
        size = len(taken.raw)
        head = _Head(id=secrets.token_hex(4), at=datetime.now(UTC), reason=reason, size=size)
        kept = taken.raw if size <= _MOST_BYTES else taken.raw[:_BEGINNING_BYTES]
        entry = head.model_dump_json().encode() + b"\n" + kept
        added: Any = self._add(
            keys=[taken.place, keys.DEAD, keys.DEAD_COUNT, keys.DEATHS], args=[entry, _MOST, _KEPT_SECONDS]
        )
        return bool(added)

    def count(self) -> int:
        """The number of messages that were ever given up."""
        return int(self._redis.get(keys.DEAD_COUNT) or 0)

    def listed(self) -> Sequence[Dead]:
        """The messages of the list, the newest first."""
        return [_parsed(entry)[0] for entry in self._entries()]

    def message(self, entry_id: str) -> bytes | None:
        """The message of an entry. None: there is no such entry."""
        return next((raw for entry in self._entries() for dead, raw in [_parsed(entry)] if dead.id == entry_id), None)

    def put_back(self, entry_ids: Collection[str] | None = None) -> int:
        """Return whole messages to `requests`, the oldest first. Return their number. None: every message."""
        count = 0
        for entry in reversed(self._entries()):
            dead, raw = _parsed(entry)
            if dead.is_whole and (entry_ids is None or dead.id in entry_ids):
                count += bool(self._put_back(keys=[keys.DEAD, keys.REQUESTS, keys.DEATHS], args=[entry, raw]))
        return count

    def drop(self, entry_ids: Collection[str] | None = None) -> int:
        """Remove messages for good. Return their number. None: every message."""
        chosen = [entry for entry in self._entries() if entry_ids is None or _parsed(entry)[0].id in entry_ids]
        removed: list[Any] = [self._redis.lrem(keys.DEAD, 1, entry) for entry in chosen]  # type: ignore[arg-type]
        return sum(removed)

    def _entries(self) -> Sequence[bytes]:
        found: Any = self._redis.lrange(keys.DEAD, 0, -1)
        return list(found)


def _parsed(entry: bytes) -> tuple[Dead, bytes]:
    line, _, raw = entry.partition(b"\n")
    head = _Head.model_validate_json(line)
    return Dead(head.id, head.at, head.reason, head.size, head.size == len(raw)), raw
