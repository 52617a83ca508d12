"""Completed generations whose orders ask for variants."""

from collections.abc import Iterator

import pytest

from schemas.enums import Kind, Stage
from schemas.stages import TERMINAL
from tests.contract.raw_server import RawServer, http
from tests.integration.tasks.conftest import Lives
from tests.integration.tasks.test_media_files import Vendor
from tests.integration.tasks.variants.works import ORDERS, Finished, Work


@pytest.fixture
def server() -> Iterator[RawServer]:
    """The host of the results."""
    with RawServer() as running:
        yield running


@pytest.fixture
def finished(lives: Lives, server: RawServer, monkeypatch: pytest.MonkeyPatch) -> Finished:
    """Makes a completed generation with this result, whose order asks for these variants."""

    def finish(content: bytes, *wanted: object, kind: Kind = Kind.VIDEO, **request: object) -> Work:
        server.will(http(200, content))
        life = lives.begin({**ORDERS[kind], "variants": list(wanted), **request})
        vendor = Vendor(server.url)
        monkeypatch.setattr(life.worker.providers, "get", lambda _name: vendor)
        life.go(until=TERMINAL)
        assert life.row.stage is Stage.COMPLETED, life.row.error_message
        return Work(life)

    return finish
