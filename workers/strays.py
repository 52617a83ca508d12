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

from schemas.enums import Queue, TaskName
from workers.lists import DEFAULT_LISTS

log = structlog.get_logger()

_LOOK_EVERY_SECONDS = 1.0
_LOOK_FOR_SECONDS = 0.5
_TIMEOUT_SECONDS = 5.0

# A message may hold files, so a page is short.
_PAGE = 10
_MOST_OF_OTHERS = 1000

# Atomic: two workers move a message once, and the end of a worker loses no message.
_MOVE: Final = """
    if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end
    return redis.call('LPUSH', KEYS[2], ARGV[2])
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
            request = _as_request(raw)
            if request is None:
                others += 1
            else:
                moved += bool(move(keys=[name, Queue.REQUESTS.value], args=[raw, request]))
    if moved:
        log.warning("requests_in_wrong_list", list=name, count=moved, right=Queue.REQUESTS.value)
    return moved


def _as_request(raw: bytes | str) -> str | None:
    """The message in the form of the queue `requests`. None if the text is for another task, or no message."""
    try:
        message: Any = json.loads(raw)
        if message["headers"]["task"] != TaskName.ENQUEUE.value:
            return None
        # A worker that ends before its answer returns the message to this queue.
        message["properties"]["delivery_info"] = {"exchange": "", "routing_key": Queue.REQUESTS.value}
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return json.dumps(message)
