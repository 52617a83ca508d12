"""Requests that their senders left in a Redis list that no worker reads.

A Celery client that names no queue sends to `celery`. What such a client asks for is clear, so it is served like any
other request. Messages for other tasks stay where they are: they may be another application's.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
from redis import Redis
from redis.exceptions import RedisError

from schemas.enums import Queue, TaskName
from workers.lists import DEFAULT_LISTS

log = structlog.get_logger()

_LOOK_EVERY_SECONDS = 1.0
_LOOK_FOR_SECONDS = 0.5
_TIMEOUT_SECONDS = 5.0

# A message may hold files: few at a time.
_PAGE = 10
_MOST_OF_OTHERS = 1000

# At once: two who look at the same message move it once, and nobody's end loses it.
_MOVE: Final = """
    if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end
    return redis.call('LPUSH', KEYS[2], ARGV[2])
"""


@contextmanager
def fetching(redis_url: str) -> Iterator[None]:
    """Fetch strays beside what the block does."""
    over = threading.Event()
    thread = threading.Thread(target=_fetch_until, args=(over, redis_url), name="strays", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_TIMEOUT_SECONDS)


def fetch(redis: Redis) -> int:
    """Move requests from the lists that Celery clients use by default to the one that is read; how many.

    Raises:
        RedisError: Redis did not answer.
    """
    return sum(_fetch_from(redis, name) for name in DEFAULT_LISTS if redis.exists(name))


def _fetch_until(over: threading.Event, redis_url: str) -> None:
    with Redis.from_url(redis_url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS) as redis:
        while not over.wait(_LOOK_EVERY_SECONDS):
            try:
                fetch(redis)
            except RedisError as error:
                log.warning("strays_not_read", error=type(error).__name__)


def _fetch_from(redis: Redis, name: str) -> int:
    """Look from the oldest on, which is at the list's end. A message that is not ours is passed by."""
    ends_at = time.monotonic() + _LOOK_FOR_SECONDS
    moved = others = 0
    while others < _MOST_OF_OTHERS and time.monotonic() < ends_at:
        page = redis.lrange(name, -others - _PAGE, -others - 1)
        if not page:
            break
        for raw in reversed(page):
            request = _as_request(raw)
            if request is None:
                others += 1
            else:
                moved += bool(redis.eval(_MOVE, 2, name, Queue.REQUESTS.value, raw, request))
    if moved:
        log.warning("requests_in_wrong_list", list=name, count=moved, right=Queue.REQUESTS.value)
    return moved


def _as_request(raw: bytes | str) -> str | None:
    """The message as it would have come to the right list; None if it is for another task, or no message."""
    try:
        message: Any = json.loads(raw)
        if message["headers"]["task"] != TaskName.ENQUEUE.value:
            return None
        # Where a worker that ends before it has answered gives the message back to.
        message["properties"]["delivery_info"] = {"exchange": "", "routing_key": Queue.REQUESTS.value}
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return json.dumps(message)
