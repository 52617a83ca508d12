import socket
import socketserver
import sys
from collections.abc import Iterator
from threading import Thread
from typing import cast

import pytest

from schemas.settings import get_settings
from workers import health


@pytest.fixture
def _no_redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Redis URL at which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setenv("REELWORKS_REDIS_URL", f"redis://127.0.0.1:{bound.getsockname()[1]}/0")
        get_settings.cache_clear()
        yield
    get_settings.cache_clear()


@pytest.mark.usefixtures("_no_redis")
@pytest.mark.parametrize("check", [["worker", "provider"], ["beat"]])
def test_without_redis_a_process_is_not_healthy_unless_redis_may_be_away(
    check: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["health", *check])
    with pytest.raises(SystemExit, match="Redis did not answer"):
        health.main()

    monkeypatch.setattr(sys, "argv", ["health", *check, "--redis-may-be-away"])
    health.main()


class _Closing(socketserver.BaseRequestHandler):
    """Closes each connection at once."""

    def handle(self) -> None:
        cast("_Redis", self.server).connections += 1


class _Redis(socketserver.ThreadingTCPServer):
    """A Redis that is about to go."""

    connections = 0


@pytest.mark.parametrize("check", [["worker", "provider"], ["beat"]])
def test_a_check_tries_redis_once(check: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with _Redis(("127.0.0.1", 0), _Closing) as redis:
        thread = Thread(target=redis.serve_forever)
        thread.start()
        monkeypatch.setenv("REELWORKS_REDIS_URL", f"redis://127.0.0.1:{redis.server_address[1]}/0")
        monkeypatch.setattr(sys, "argv", ["health", *check])
        get_settings.cache_clear()
        with pytest.raises(SystemExit, match="Redis did not answer"):
            health.main()
        redis.shutdown()
        thread.join()
    get_settings.cache_clear()

    assert redis.connections == 1
