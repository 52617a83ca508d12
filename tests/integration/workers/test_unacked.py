"""Requests that a killed Celery worker of an earlier release has left."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from drills.hostile.messages import message
from intake.redis import envelopes
from schemas.settings import Settings
from workers.unacked import restore


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """The empty broker."""
    with Redis.from_url(settings.redis_url) as client:
        client.flushdb()
        yield client
        client.flushdb()


def take(redis: Redis, tag: str, taken: object, *, seconds_ago: float, queue: str = "requests") -> None:
    """Leave a message as Celery's transport does."""
    redis.hset("unacked", tag, json.dumps([taken, "", queue]))
    redis.zadd("unacked_index", {tag: time.time() - seconds_ago})


def test_requests_are_returned_after_a_minute(redis: Redis) -> None:
    request = message([[], {"customer_id": "1"}, {}])
    take(redis, "old", request, seconds_ago=61)
    take(redis, "new", request, seconds_ago=30)
    assert (restore(redis), restore(redis)) == (1, 0)
    assert (redis.hkeys("unacked"), redis.zrange("unacked_index", 0, -1)) == ([b"new"], [b"new"])
    waiting: Any = redis.lrange("requests", 0, -1)
    (raw,) = waiting
    assert envelopes.read(raw).id == request["headers"]["id"]


def test_messages_of_other_queues_stay(redis: Redis) -> None:
    for number in range(25):
        take(redis, str(number), {"a": "task"}, seconds_ago=1000 + number, queue="reports")
    redis.hset("unacked", "7", "no JSON")
    redis.hdel("unacked", "8")
    take(redis, "mine", {"a": "request"}, seconds_ago=61)
    assert restore(redis) == 1
    assert (redis.hlen("unacked"), redis.llen("requests")) == (24, 1)
