"""The process of the Redis door, killed and stopped while it serves a message."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from redis import Redis
from sqlalchemy import text

from intake.redis import keys
from schemas.settings import Settings
from stack.wiring import settings_environment
from storage.database import Database
from tests.support import NewCustomer, eventually, new_customer, until_an_insert_waits

pytestmark = pytest.mark.slow

PLACE = "reelworks:answers:mine"


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """The empty broker."""
    with Redis.from_url(settings.redis_url) as client:
        client.flushdb()
        yield client
        client.flushdb()


@contextmanager
def a_door(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the Redis door, without a supervisor."""
    command = [sys.executable, "-P", "-m", "workers", "--role", "requests"]
    process = subprocess.Popen(command, env={**os.environ, **settings_environment(settings)})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def no_inserts(settings: Settings) -> Iterator[None]:
    """Let inserts of generations wait while the block runs."""
    with psycopg.connect(settings.database_url) as blocker:
        blocker.execute("LOCK TABLE generations IN EXCLUSIVE MODE")
        yield


def send(redis: Redis, customer: NewCustomer) -> str:
    arguments = {
        "customer_id": str(customer.id),
        "request": {"model": "nano-banana", "prompt": "a lighthouse in fog"},
    }
    order = {"operation": "generation.enqueue", "id": str(uuid4()), "arguments": arguments, "reply_to": {"list": PLACE}}
    redis.lpush("requests", json.dumps(order))
    return str(order["id"])


def generations(database: Database) -> int:
    with database.transaction() as session:
        return int(session.execute(text("SELECT count(*) FROM generations")).scalar_one())


def first_answer(redis: Redis) -> dict[str, Any]:
    raw: Any = eventually(lambda: redis.lindex(PLACE, 0), bool)
    answer: dict[str, Any] = json.loads(raw)
    return answer


def holders(redis: Redis) -> list[bytes]:
    """The lists of takers that have a message."""
    return list(redis.scan_iter(match=f"{keys.TAKEN}*"))


def test_a_message_of_a_killed_process_is_served_by_another(
    redis: Redis, database: Database, settings: Settings
) -> None:
    customer = new_customer(database, 100)
    with a_door(settings) as killed:
        with no_inserts(settings):
            sent = send(redis, customer)
            until_an_insert_waits(database)
            killed.kill()
            killed.wait()
        assert len(holders(redis)) == 1
        with a_door(settings):
            answer = first_answer(redis)
    assert (answer["id"], "error" in answer["answer"]) == (sent, False)
    assert (generations(database), redis.llen(PLACE), holders(redis)) == (1, 1, [])


def test_a_stopped_process_that_goes_on_does_no_harm(redis: Redis, database: Database, settings: Settings) -> None:
    customer = new_customer(database, 100)
    with a_door(settings) as stopped, ExitStack() as others:
        with no_inserts(settings):
            sent = send(redis, customer)
            until_an_insert_waits(database)
            held = holders(redis)
            stopped.send_signal(signal.SIGSTOP)
            other = others.enter_context(a_door(settings))
            eventually(lambda: holders(redis), lambda found: found not in ([], held))
        stopped.send_signal(signal.SIGCONT)
        answer = first_answer(redis)
        for process in (stopped, other):
            process.terminate()
            assert process.wait(300) == 0
    assert (answer["id"], "error" in answer["answer"]) == (sent, False)
    assert (generations(database), redis.llen("requests"), holders(redis)) == (1, 0, [])
    assert {json.loads(raw)["id"] for raw in redis.lrange(PLACE, 0, -1)} == {sent}
