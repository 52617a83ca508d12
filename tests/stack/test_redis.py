import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from stack.errors import AlreadyRunning
from stack.ports import free_port
from stack.redis import Redis
from tests.stack.observing import folder_of, runs


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(folder_of("redis", tmp_path), free_port(), password="secret")
    server.start()
    server.wait_until_ready()
    yield server
    server.kill()


def test_data_survives_a_restart(server: Redis) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.lpush("queue", "message")
    first = server.pid
    server.stop()
    assert first is not None
    assert not runs(first)

    server.start()
    server.wait_until_ready()

    with redis.Redis.from_url(server.url) as client:
        assert client.lrange("queue", 0, -1) == [b"message"]


def test_server_is_configured_as_a_broker(server: Redis) -> None:
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("save") == {"save": ""}


def test_server_needs_the_password_and_command_line_does_not_hold_it(server: Redis) -> None:
    with (
        redis.Redis(port=server.port, protocol=2, retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError, match="Authentication required"),
    ):
        client.ping()

    assert "secret" not in " ".join(psutil.Process(server.pid).cmdline())
    assert stat.S_IMODE((server.folder / "valkey.conf").stat().st_mode) == 0o600


def test_second_server_on_a_folder_names_the_owner(server: Redis) -> None:
    second = Redis(server.folder, free_port(), password="secret")
    second.leave_seconds = 0.1

    with pytest.raises(AlreadyRunning, match=f"pid {server.pid}"):
        second.start()
