"""Deletes from Redis what a restored database does not know: wake-ups, streams, and answers to lost orders.

The lists of the Redis door stay: they hold orders that are no rows yet.
"""

from typing import Final

from redis import Redis

from intake.redis.keys import ANSWERED, PRIORITIES, of_priority
from notify.stream.entries import STREAM
from schemas.enums import Queue

# Each due row is woken again.
_QUEUES: Final = tuple(
    of_priority(queue.value, priority) for queue in Queue if queue is not Queue.REQUESTS for priority in PRIORITIES
)

_PATTERNS: Final = (f"{STREAM}:*", f"{ANSWERED}*")
_PAGE: Final = 1000


def delete(redis: Redis) -> int:
    """Delete the queues of the stages, the streams of events, and the memory of the door's answers.

    Returns the number of deleted keys.

    Raises:
        RedisError: Redis did not answer, or refused.
    """
    deleted = int(redis.unlink(*_QUEUES, STREAM))
    for pattern in _PATTERNS:
        deleted += sum(int(redis.unlink(key)) for key in redis.scan_iter(pattern, count=_PAGE))
    return deleted
