"""Returns requests that the Redis door of the earlier release has left to the queue `requests`.

That door was a Celery worker. Celery's transport keeps a message in the hash `unacked` until its task ends, and the
time in `unacked_index`. A killed worker leaves its messages there. Remove with
`EARLIER_REQUESTS_RIGHTS` in `compose.yaml`.
"""

import json
import time
from collections.abc import Sequence
from typing import Any, Final

import structlog
from redis import Redis

from intake.redis.keys import REQUESTS

log = structlog.get_logger()

_HASH: Final = "unacked"
_INDEX: Final = "unacked_index"
_LEFT_SECONDS: Final = 60.0
_PAGE: Final = 10
_MOST_OF_OTHERS: Final = 1000

# Atomic: a worker that lives after all removes its message, or finds none. The message is served next.
_RESTORE: Final = """#!lua flags=allow-oom
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('RPUSH', KEYS[3], ARGV[2])
"""


def restore(redis: Redis) -> int:
    """Return requests that a Celery worker took a minute ago or earlier. Return their number.

    Raises:
        RedisError: Redis did not answer.
    """
    move = redis.register_script(_RESTORE)
    moved = others = 0
    while others < _MOST_OF_OTHERS and (page := _page(redis, others)):
        for tag in page:
            found: Any = redis.hget(_HASH, tag)
            raw = _request(found)
            is_moved = raw is not None and bool(move(keys=[_HASH, _INDEX, REQUESTS], args=[tag, raw]))
            moved += is_moved
            others += not is_moved
    if moved:
        log.warning("requests_restored", count=moved)
    return moved


def _page(redis: Redis, skip: int) -> Sequence[bytes]:
    found: Any = redis.zrange(
        _INDEX,
        "-inf",
        time.time() - _LEFT_SECONDS,
        byscore=True,
        offset=skip,
        num=_PAGE,
    )
    return list(found)


def _request(entry: bytes | None) -> str | None:
    """The message of an entry. None: the entry is gone, or is a message of another queue."""
    try:
        message, _, queue = json.loads(entry or b"")
    except (ValueError, TypeError, RecursionError):
        return None
    if queue != REQUESTS:
        return None
    return message if isinstance(message, str) else json.dumps(message)
