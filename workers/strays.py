"""Moves requests from Redis lists that no worker reads to the queue `requests`.

A Celery client that names no queue sends to `celery`. The Redis door serves such a request like any other. Messages for
other tasks stay in place: they may belong to another application.
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

from intake.redis.keys import REQUESTS
from intake.redis.request import Operation
from workers.lists import DEFAULT_LISTS
from workers.unacked import restore

log = structlog.get_logger()

_LOOK_EVERY_SECONDS = 1.0
_LOOK_FOR_SECONDS = 0.5
_TIMEOUT_SECONDS = 5.0

# A message may hold files, so a page is short.
_PAGE = 10
_MOST_OF_OTHERS = 1000

# Atomic: two processes move a message once, and the end of a process loses no message.
_MOVE: Final = """
    if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end
    return redis.call('LPUSH', KEYS[2], ARGV[1])
"""


@contextmanager
def fetching(redis_url: str) -> Iterator[None]:
    """Fetch strays in a thread while the block runs."""
    over = threading.Event()
    thread = threading.Thread(target=_fetch_until, args=(over, redis_url), name="strays", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_TIMEOUT_SECONDS)


def fetch(redis: Redis) -> int:
    """Move requests from the default lists of Celery clients to the queue `requests`. Return the number of requests.

    Raises:
        RedisError: Redis did not answer.
    """
    return sum(_fetch_from(redis, name) for name in DEFAULT_LISTS if redis.type(name) in (b"list", "list"))


def _fetch_until(over: threading.Event, redis_url: str) -> None:
    with Redis.from_url(redis_url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS) as redis:
        while not over.wait(_LOOK_EVERY_SECONDS):
            try:
                fetch(redis)
                restore(redis)
            except RedisError as error:
                log.warning("strays_not_read", error=type(error).__name__)


def _fetch_from(redis: Redis, name: str) -> int:
    """Search a list from the oldest message, which is the last. Skip messages for other tasks."""
    ends_at = time.monotonic() + _LOOK_FOR_SECONDS
    moved = others = 0
    move = redis.register_script(_MOVE)
    while others < _MOST_OF_OTHERS and time.monotonic() < ends_at:
        page = redis.lrange(name, -others - _PAGE, -others - 1)
        if not page:
            break
        for raw in reversed(page):
            if _is_request(raw):
                moved += bool(move(keys=[name, REQUESTS], args=[raw]))
            else:
                others += 1
    if moved:
        log.warning("requests_in_wrong_list", list=name, count=moved, right=REQUESTS)
    return moved


def _is_request(raw: bytes | str) -> bool:
    """Whether a text is a message for the door: not one for another task, and no text without a task."""
    try:
        message: Any = json.loads(raw)
        return message["headers"]["task"] in set(Operation)
    except (ValueError, TypeError, LookupError, RecursionError):
        return False
