"""The embedded services of a run folder, together."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from schemas.settings import Settings
from stack.credentials import Credentials
from stack.errors import PartFailed
from stack.ports import KeptPorts
from stack.services import LocalServices, ended_in_reverse
from tests.stack.observing import folder_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = folder_of("services", tmp_path)
    folder.mkdir()
    return folder


@pytest.fixture
def redis_alone(settings: Settings) -> Settings:
    """Settings that leave Redis alone to us."""
    return settings.model_copy(
        update={
            "database_url": "postgresql://elsewhere/reelworks",
            "s3": settings.s3.model_copy(update={"endpoint": "elsewhere:9000"}),
        }
    )


@pytest.fixture
def services(redis_alone: Settings, folder: Path) -> Iterator[LocalServices]:
    """Redis alone; ended with the test."""
    services = LocalServices(folder, redis_alone, Credentials.of(folder))
    with ended_in_reverse(services.children):
        yield services


def test_a_service_is_told_once_it_answers_and_listens_where_the_settings_say(
    services: LocalServices, settings: Settings
) -> None:
    told: list[str] = []
    services.start(told.append)

    assert told == ["redis"]
    filled = services.fill_in(settings)
    assert (filled.database_url, filled.s3) == (settings.database_url, settings.s3)
    with redis.Redis.from_url(filled.redis_url) as client:
        assert client.ping()


def test_a_service_listens_on_the_same_port_at_the_next_start(redis_alone: Settings, folder: Path) -> None:
    urls = []
    for _ in range(2):
        services = LocalServices(folder, redis_alone, Credentials.of(folder))
        with ended_in_reverse(services.children):
            services.start()
            urls.append(services.fill_in(redis_alone).redis_url)
    assert urls[0] == urls[1]


def test_a_port_that_another_program_takes_before_the_service_is_exchanged(
    services: LocalServices, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [server] = services.children
    choose, taken = KeptPorts.get, []
    with ExitStack() as ends:

        def taken_at_once(ports: KeptPorts, name: str) -> int:
            taken.append(choose(ports, name))
            ends.enter_context(socket.create_server(("127.0.0.1", taken[-1])))
            return taken[-1]

        monkeypatch.setattr(KeptPorts, "get", taken_at_once)
        services.start()

    assert server.answers()
    assert server.port not in taken
    assert f":{server.port}/" in services.fill_in(settings).redis_url
    assert choose(KeptPorts(folder / "ports.json"), "redis") != taken[0]


def test_a_service_that_fails_for_another_reason_is_not_started_again(services: LocalServices, folder: Path) -> None:
    (folder / "redis" / "appendonlydir").mkdir(parents=True)
    (folder / "redis" / "appendonlydir" / "appendonly.aof.manifest").write_text("damaged")

    with pytest.raises(PartFailed, match=r"^redis died"):
        services.start()
