"""The lists of messages in Redis: the lists that workers read, and the lists that no worker reads."""

import re
from typing import Final

from redis import Redis

from intake.redis.keys import OWN, PRIORITIES, of_priority
from schemas.enums import Queue

_KOMBUS_STEPS: Final = (0, 3, 6, 9)

# Remote control waits for answers in these lists. The lists expire.
_REMOTE_CONTROL = re.compile(r".*\.pidbox")


DEFAULT_LISTS: Final = tuple(of_priority("celery", priority) for priority in PRIORITIES)
"""The lists of a Celery client that names no queue."""

_READ: Final = frozenset(
    of_priority(queue.value, priority)
    for queue in Queue
    for priority in (PRIORITIES if queue is Queue.REQUESTS else _KOMBUS_STEPS)
)


def lengths(redis: Redis) -> dict[Queue, int]:
    """The number of messages in each queue, over all priorities.

    Raises:
        RedisError: Redis did not answer.
    """
    with redis.pipeline(transaction=False) as pipe:
        for queue in Queue:
            for priority in PRIORITIES:
                pipe.llen(of_priority(queue.value, priority))
        found: list[int] = pipe.execute()
    size = len(PRIORITIES)
    return {queue: sum(found[index * size : (index + 1) * size]) for index, queue in enumerate(Queue)}


def strange(redis: Redis) -> dict[str, int]:
    """The lists in this database that no worker reads, with their lengths.

    Raises:
        RedisError: Redis did not answer.
    """
    found = (raw.decode(errors="replace") for raw in redis.scan_iter(count=1000, _type="list"))
    return {
        name.encode("unicode_escape").decode(): int(redis.llen(name))
        for name in sorted(found)
        if name not in _READ and not name.startswith(OWN) and not _REMOTE_CONTROL.fullmatch(name)
    }
