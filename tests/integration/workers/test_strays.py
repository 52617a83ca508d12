"""Requests in lists that no worker reads, and the lists of other applications."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from redis import Redis

from schemas.enums import Queue
from schemas.settings import Settings
from stack.stack import Stack
from tests.support import eventually
from workers import lists, strays

pytestmark = pytest.mark.slow

REQUEST = {"customer_id": str(uuid4()), "request": {"model": "nano-banana", "prompt": "a lighthouse in fog"}}


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """The empty broker."""
    with Redis.from_url(settings.redis_url) as client:
        client.flushdb()
        yield client
        client.flushdb()


def client_of(settings: Settings, **configured: Any) -> Celery:
    """A Celery client of another service, without our settings."""
    client = Celery(broker=settings.redis_url, backend=settings.redis_url, set_as_current=False)
    client.conf.update(configured)
    return client


@pytest.fixture
def sender(settings: Settings) -> Iterator[Celery]:
    with client_of(settings) as client:
        yield client


def tasks_in(redis: Redis, name: str) -> list[str]:
    """The task names of a list, the oldest first."""
    return [json.loads(raw)["headers"]["task"] for raw in reversed(redis.lrange(name, 0, -1))]


def test_requests_in_the_default_list_move_to_the_door_in_order(redis: Redis, sender: Celery) -> None:
    sent = [sender.send_task("generation.enqueue", kwargs=REQUEST).id for _ in range(25)]
    assert redis.llen("celery") == 25

    assert strays.fetch(redis) == 25

    assert redis.exists("celery") == 0
    messages = [json.loads(raw) for raw in reversed(redis.lrange("requests", 0, -1))]
    assert [message["headers"]["id"] for message in messages] == sent


@pytest.mark.parametrize("priority", [1, 5, 9])
def test_requests_of_any_priority_move_to_the_door(
    redis: Redis, sender: Celery, settings: Settings, priority: int
) -> None:
    sender.send_task("generation.enqueue", kwargs=REQUEST, priority=priority)
    with client_of(settings, broker_transport_options={"priority_steps": list(range(10))}) as other:
        other.send_task("generation.enqueue", kwargs=REQUEST, priority=priority)

    assert strays.fetch(redis) == 2
    assert tasks_in(redis, "requests") == ["generation.enqueue"] * 2


def test_messages_of_another_application_stay_in_place(redis: Redis, sender: Celery) -> None:
    for number in range(30):
        sender.send_task("other.work", kwargs={"number": number})
    sender.send_task("generation.enqueue", kwargs=REQUEST)
    redis.lpush("celery", "no JSON", "[]", '{"headers": null}', "[" * 100_000)
    others = redis.lrange("celery", 0, -1)

    assert strays.fetch(redis) == 1

    left = redis.lrange("celery", 0, -1)
    assert left == [raw for raw in others if b"generation.enqueue" not in raw]
    assert tasks_in(redis, "requests") == ["generation.enqueue"]
    assert strays.fetch(redis) == 0


def test_lists_without_a_reader_are_reported_with_their_lengths(
    redis: Redis, settings: Settings, sender: Celery
) -> None:
    for queue in Queue:
        redis.lpush(queue.value, "a message")
    redis.lpush("requests\x06\x165", "a message")
    redis.lpush("submit\x06\x164", "a message")
    redis.lpush("1c3b.reply.celery.pidbox", "an answer")
    redis.set("celery-task-meta-1", "an answer")
    for name in ("reelworks:door:taken:door", "reelworks:door:dead", "reelworks:answers:mine"):
        redis.lpush(name, "a message")
    sender.send_task("other.work")
    with client_of(settings, task_default_queue="generations") as other:
        for _ in range(2):
            other.send_task("generation.enqueue", kwargs=REQUEST)

    assert lists.strange(redis) == {"celery": 1, "generations": 2, "submit\\x06\\x164": 1}
    waiting = lists.lengths(redis)
    assert waiting == {queue: 2 if queue in {Queue.REQUESTS, Queue.SUBMIT} else 1 for queue in Queue}


@pytest.fixture(scope="module")
def door(services: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The worker of the Redis door, with the Redis of the run."""
    with Stack(tmp_path_factory.mktemp("door"), services.settings, only=("worker-requests",), sandbox=False) as stack:
        yield stack


@pytest.mark.parametrize(
    ("configured", "sending"),
    [
        ({}, {}),
        ({}, {"priority": 5}),
        ({}, {"queue": "requests", "priority": 5}),
        ({"broker_transport_options": {"priority_steps": list(range(10))}}, {"queue": "requests", "priority": 5}),
    ],
)
def test_door_answers_a_client_that_names_no_queue_or_a_priority(
    door: Stack, configured: dict[str, Any], sending: dict[str, Any]
) -> None:
    with client_of(door.settings, **configured) as client:
        answer = client.send_task("generation.enqueue", kwargs=REQUEST, **sending).get(timeout=300)

    assert answer["error"]["code"] in {"not_found", "invalid_request"}


def test_running_door_leaves_other_tasks_in_the_default_list(door: Stack) -> None:
    with client_of(door.settings) as client, Redis.from_url(door.settings.redis_url) as redis:
        redis.delete("celery")
        client.send_task("other.work")
        client.send_task("generation.enqueue", kwargs=REQUEST).get(timeout=300)

        assert eventually(lambda: tasks_in(redis, "celery"), lambda names: names == ["other.work"])
        redis.delete("celery")
