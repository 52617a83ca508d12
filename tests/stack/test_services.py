"""The embedded services of a run folder."""

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
    """Settings with which only Redis is embedded."""
    return settings.model_copy(
        update={
            "database_url": "postgresql://elsewhere/reelworks",
            "s3": settings.s3.model_copy(update={"endpoint": "elsewhere:9000"}),
        }
    )


@pytest.fixture
def services(redis_alone: Settings, folder: Path) -> Iterator[LocalServices]:
    """An embedded Redis. The fixture stops it."""
    services = LocalServices(folder, redis_alone, Credentials.of(folder))
    with ended_in_reverse(services.children):
        yield services


def test_ready_service_is_reported_and_listens_at_the_address_in_the_settings(
    services: LocalServices, settings: Settings
) -> None:
    told: list[str] = []
    services.start(told.append)

    assert told == ["redis"]
    filled = services.fill_in(settings)
    assert (filled.database_url, filled.s3) == (settings.database_url, settings.s3)
    with redis.Redis.from_url(filled.redis_url) as client:
        assert client.ping()


def test_service_listens_on_the_same_port_at_the_next_start(redis_alone: Settings, folder: Path) -> None:
    urls = []
    for _ in range(2):
        services = LocalServices(folder, redis_alone, Credentials.of(folder))
        with ended_in_reverse(services.children):
            services.start()
            urls.append(services.fill_in(redis_alone).redis_url)
    assert urls[0] == urls[1]


def test_service_gets_another_port_when_a_program_takes_its_port_first(
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


def test_service_that_fails_for_another_reason_does_not_start_again(services: LocalServices, folder: Path) -> None:
    (folder / "redis" / "appendonlydir").mkdir(parents=True)
    (folder / "redis" / "appendonlydir" / "appendonly.aof.manifest").write_text("damaged")

    with pytest.raises(PartFailed, match=r"^redis died"):
        services.start()
