"""The lists of messages in Redis: the lists that workers read, and the lists that no worker reads."""

import re
from typing import Final

from redis import Redis

from schemas.enums import Queue

PRIORITIES: Final = range(10)
"""Celery's priorities. The default is 0. Messages of another priority are in a list with the number in its name."""

_SEPARATOR: Final = "\x06\x16"
_KOMBUS_STEPS: Final = (0, 3, 6, 9)

# Remote control waits for answers in these lists. The lists expire.
_REMOTE_CONTROL = re.compile(r".*\.pidbox")


def _of_priority(name: str, priority: int) -> str:
    return f"{name}{_SEPARATOR}{priority}" if priority else name


DEFAULT_LISTS: Final = tuple(_of_priority("celery", priority) for priority in PRIORITIES)
"""The lists of a Celery client that names no queue."""

_READ: Final = frozenset(
    _of_priority(queue.value, priority)
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
                pipe.llen(_of_priority(queue.value, priority))
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
        if name not in _READ and not _REMOTE_CONTROL.fullmatch(name)
    }
