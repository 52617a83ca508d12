"""Takes messages so that no death of a process loses one.

A taker has a list for the one message that it serves. A message moves from `requests` to that list, and leaves it
together with its answer. The list of a taker whose process is dead, or ends, goes back to `requests`.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from redis import Redis
from redis.exceptions import OutOfMemoryError, ResponseError

from intake.redis import keys

_ALIVE_MILLISECONDS: Final = 3000
_PEEK_SECONDS: Final = 0.25
_DEATHS_SECONDS: Final = 3600
_WAITING_SECONDS: Final = 3600

# A second call returns the same message: the answer of the first call may be lost. A full Redis must not stop the door,
# because only the door can empty it. Nor may a key of another type: the lists behind it are read all the same.
_TAKE: Final = """#!lua flags=allow-oom
local taken, alive, takers, count, deaths = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
redis.call('SET', alive, 1, 'PX', ARGV[2])
local raw = redis.call('LINDEX', taken, -1)
for place = 6, #KEYS do
    if raw then break end
    raw = redis.pcall('LMOVE', KEYS[place], taken, 'RIGHT', 'LEFT')
    if type(raw) == 'table' then raw = false end
    if raw then redis.call('HSET', takers, ARGV[1], redis.call('INCR', count) .. ' ' .. place - 6) end
end
if not raw then return false end
local died = redis.call('EXISTS', deaths) == 1 and redis.call('HGET', deaths, redis.sha1hex(raw))
local number, priority = string.match(redis.call('HGET', takers, ARGV[1]) or '0 0', '(%d+) (%d+)')
return {raw, tonumber(died or 0), tonumber(number), tonumber(priority)}
"""

# A full Redis must not make a living process look dead.
_KEEP_ALIVE: Final = """#!lua flags=allow-oom
for _, alive in ipairs(KEYS) do redis.call('SET', alive, 1, 'PX', ARGV[1]) end
"""

_PUT_LAST: Final = """#!lua flags=allow-oom
redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT')
"""

_AGE: Final = """#!lua flags=allow-oom
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2])
return ARGV[1] - redis.call('GET', KEYS[1])
"""

# The newest message first: the oldest is then the next to be taken.
_TAKE_OVER: Final = """#!lua flags=allow-oom
local takers, requests, deaths = KEYS[1], KEYS[2], KEYS[3]
local gone, known, count = {}, redis.call('HGETALL', takers), 0
for index = 1, #known, 2 do
    if redis.call('EXISTS', ARGV[2] .. known[index]) == 0 then
        table.insert(gone, {name = known[index], number = tonumber(string.match(known[index + 1], '^%d+'))})
    end
end
table.sort(gone, function(one, other) return one.number > other.number end)
for _, taker in ipairs(gone) do
    local raw = redis.call('LMOVE', ARGV[1] .. taker.name, requests, 'RIGHT', 'RIGHT')
    redis.call('HDEL', takers, taker.name)
    if raw then count = count + 1 end
    if raw and tonumber(ARGV[3]) > 0 then
        redis.call('HINCRBY', deaths, redis.sha1hex(raw), 1)
        redis.call('EXPIRE', deaths, ARGV[3])
    end
end
return count
"""


@dataclass(frozen=True)
class Taken:
    """A message that a taker has."""

    taker: str
    """The name of the taker."""
    raw: bytes
    """The message, as it stood in `requests`."""
    deaths: int
    """How often a process died while it had this message."""
    number: int
    """The number of this service of a message. A message that is taken again has another number."""
    priority: int
    """The priority of the list that had the message."""

    @property
    def place(self) -> str:
        """The list that holds the message."""
        return keys.TAKEN + self.taker


class Takers:
    """The takers of a process, each for one thread."""

    def __init__(self, redis: Redis, process: str, count: int) -> None:
        """Name the takers.

        Args:
            process: the name of the process. Another process may have the same name.
            count: the number of takers, and so of messages that the process has at a time.
        """
        self._redis = redis
        self._take = redis.register_script(_TAKE)
        self._keep_alive = redis.register_script(_KEEP_ALIVE)
        self._take_over = redis.register_script(_TAKE_OVER)
        self._put_last = redis.register_script(_PUT_LAST)
        self._age = redis.register_script(_AGE)
        own = uuid4().hex[:12]
        self.names: Sequence[str] = [f"{process}.{own}.{number}" for number in range(count)]

    def take(self, taker: str) -> Taken | None:
        """Take the oldest message of the best priority. None if no message came within a moment.

        Raises:
            RedisError: Redis did not answer. The next call returns a message that this call may have taken.
        """
        found = self._try(taker)
        if found is None and self._is_filled():
            return self._try(taker)
        return found

    def put_last(self, taken: Taken) -> None:
        """Return a message to its list behind all others."""
        self._put_last(keys=[taken.place, keys.REQUEST_LISTS[taken.priority]])

    def waiting_seconds(self, taken: Taken) -> float:
        """The time since the first call for a message."""
        found: Any = self._age(keys=[_waiting(taken)], args=[int(time.time()), _WAITING_SECONDS])
        return float(found)

    def forget_waiting(self, taken: Taken) -> None:
        """Let the time of a message begin anew, for a sender that sends it again."""
        self._redis.delete(_waiting(taken))

    def keep_alive(self) -> None:
        """Show that the process lives."""
        self._keep_alive(keys=[keys.ALIVE + name for name in self.names], args=[_ALIVE_MILLISECONDS])

    def take_over(self) -> int:
        """Return the messages of dead takers to `requests`, in the order in which they came. Return their number."""
        return self._returned(count_deaths=True)

    def hand_back(self) -> int:
        """Return the messages of these takers to `requests`. Return their number. No taker may take any more."""
        self._redis.delete(*(keys.ALIVE + name for name in self.names))
        return self._returned(count_deaths=False)

    def _try(self, taker: str) -> Taken | None:
        own = [keys.TAKEN + taker, keys.ALIVE + taker, keys.TAKERS, keys.COUNT, keys.DEATHS]
        found: Any = self._take(keys=[*own, *keys.REQUEST_LISTS], args=[taker, _ALIVE_MILLISECONDS])
        return Taken(taker, *found) if found else None

    def _is_filled(self) -> bool:
        """Wait a moment for a message of priority 0. The message stays where it is: a script takes it."""
        try:
            found: Any = self._redis.blmove(keys.REQUESTS, keys.REQUESTS, _PEEK_SECONDS, "RIGHT", "RIGHT")  # type: ignore[arg-type]
        except ResponseError as error:
            if not isinstance(error, OutOfMemoryError) and keys.WRONG_TYPE not in str(error):
                raise
            time.sleep(_PEEK_SECONDS)
            return True
        return found is not None

    def _returned(self, *, count_deaths: bool) -> int:
        kept = _DEATHS_SECONDS if count_deaths else 0
        found: Any = self._take_over(
            keys=[keys.TAKERS, keys.REQUESTS, keys.DEATHS], args=[keys.TAKEN, keys.ALIVE, kept]
        )
        return int(found)


def _waiting(taken: Taken) -> str:
    return keys.WAITING + hashlib.sha1(taken.raw, usedforsecurity=False).hexdigest()
