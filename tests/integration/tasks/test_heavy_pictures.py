"""Pictures that are heavy to decode: which worker decodes them, and which are stored without being decoded."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from schemas.enums import ErrorCode, Kind, Queue, Stage
from schemas.media_types import PNG
from schemas.stages import TERMINAL
from storage.ledger import Balance
from tasks import store
from tests.contract.raw_server import RawServer, http, raw
from tests.integration.tasks.conftest import Life, Lives
from tests.integration.tasks.test_joined_stages import joining
from tests.integration.tasks.test_media_files import ORDERS, Vendor
from tests.media_files.images import png

# A small file that needs 36 MB of memory.
_EDGE = 3000


def with_memory(life: Life, memory_bytes: int) -> Life:
    """The same life, with a worker whose decoder has this memory."""
    media = life.settings.media.model_copy(update={"memory_bytes": memory_bytes})
    life.worker = replace(life.worker, settings=life.worker.settings.model_copy(update={"media": media}))
    return life


@pytest.fixture
def heavy(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    """A generation that is about to download a heavy picture."""
    with RawServer() as server:
        server.will(*[http(200, png(_EDGE, _EDGE))] * 3)
        life = lives.begin({"output_format": "png"})
        vendor = Vendor(server.url)
        monkeypatch.setattr(life.worker.providers, "get", lambda _name: vendor)
        life.go(until=frozenset({Stage.DOWNLOADING}))
        yield life


def test_a_heavy_picture_is_left_to_the_media_workers(heavy: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_LIGHT_BYTES", 32 * 1024**2)
    joining(heavy)
    assert heavy.step() is Stage.STORING
    assert (heavy.row.lease_token, heavy.row.crashes, heavy.row.failures) == (None, 0, 0)
    assert heavy.row.wake_at is not None
    heavy.worker = replace(heavy.worker, queues=frozenset({Queue.STORE}))
    assert heavy.step() is Stage.COMPLETED
    (result,) = heavy.assets
    assert (result.width, result.height) == (_EDGE, _EDGE)
    assert "undecoded" not in heavy.events[-2].data


def test_a_light_picture_is_decoded_by_the_worker_that_downloaded_it(heavy: Life) -> None:
    joining(heavy)
    assert heavy.step() is Stage.COMPLETED


def test_a_picture_beyond_the_memory_is_delivered_undecoded(heavy: Life) -> None:
    with_memory(heavy, 32 * 1024**2)
    assert heavy.go(until=TERMINAL) is Stage.COMPLETED
    (result,) = heavy.assets
    assert (result.width, result.height, result.content_type) == (_EDGE, _EDGE, PNG.content_type)
    assert heavy.balance == Balance(available=1000 - heavy.row.credits, held=0)
    (stored,) = [event for event in heavy.events if event.stage is Stage.SETTLING]
    assert stored.data["undecoded"] == (
        "a picture of 3000x3000 is not decoded: it needs 34 MiB of memory, and 32 MiB are the limit"
    )


@pytest.mark.parametrize("names_size", [True, False])
def test_a_body_without_end_is_read_to_the_limit_of_pictures(
    lives: Lives, monkeypatch: pytest.MonkeyPatch, *, names_size: bool
) -> None:
    head = f"Content-Length: {10**9}\r\n" if names_size else ""
    body = png(8, 8) + bytes(2_000_000)
    with RawServer() as server:
        server.will(raw(f"HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n".encode() + body))
        life = lives.begin(ORDERS[Kind.IMAGE])
        vendor = Vendor(server.url)
        monkeypatch.setattr(life.worker.providers, "get", lambda _name: vendor)
        downloads = life.settings.downloads.model_copy(update={"max_image_bytes": 1_000_000})
        life.worker = replace(life.worker, settings=life.settings.model_copy(update={"downloads": downloads}))
        assert life.go(until=TERMINAL) is Stage.FAILED
        assert len(server.requests) == 1
    assert (life.row.error_code, life.row.error_message) == (
        ErrorCode.RESULT_INVALID,
        "the file is larger than 1000000 bytes",
    )
    assert life.balance == Balance(available=1000, held=0)
