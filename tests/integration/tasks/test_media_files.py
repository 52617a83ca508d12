"""Files as vendors, cameras and browsers write them, through the real download, store and poster."""

import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from providers.base import (
    AcceptedCreate,
    Fence,
    InputsRead,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
    ResultRequest,
)
from schemas.enums import AssetRole, ErrorCode, Kind, Stage
from schemas.media_types import MP4, PNG
from schemas.stages import TERMINAL
from schemas.tables import Asset
from storage.ledger import Balance
from tests.contract.raw_server import Answer, RawServer, http, raw
from tests.integration.tasks.conftest import Life, Lives
from tests.media_files.table import IMAGES, REFUSED, VIDEOS, Bad, Good

ORDERS: dict[Kind, dict[str, object]] = {
    Kind.IMAGE: {"model": "nano-banana", "output_format": "png"},
    Kind.VIDEO: {"model": "kling-2.6-text-to-video", "duration_seconds": 5, "aspect_ratio": "16:9"},
}

_ORDERED = {Kind.IMAGE: PNG, Kind.VIDEO: MP4}

_COLORS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "black": (0, 0, 0)}


@dataclass
class Vendor:
    """A vendor whose work is finished at once."""

    url: str
    """The link to the result."""
    reads_inputs: InputsRead = InputsRead.NONE
    polls: int = 0
    """The number of reads of the state."""

    def submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate:
        fence()
        return AcceptedCreate(str(generation_id), is_finished=True)

    def poll(self, remote: RemoteRef) -> RemoteState:
        self.polls += 1
        return RemoteState(RemoteStatus.SUCCEEDED, result_urls=[f"{self.url}/{self.polls}"])

    def result_request(self, link: str) -> ResultRequest:
        return ResultRequest(link)


@pytest.fixture
def server() -> Iterator[RawServer]:
    """The host of the results."""
    with RawServer() as running:
        yield running


Delivered = Callable[..., Life]


@pytest.fixture
def delivered(lives: Lives, server: RawServer, monkeypatch: pytest.MonkeyPatch) -> Delivered:
    """Makes a generation whose host answers with these answers, and steps to its end."""

    def deliver(kind: Kind, *answers: Answer) -> Life:
        server.will(*answers)
        life = lives.begin(ORDERS[kind])
        vendor = Vendor(server.url)
        monkeypatch.setattr(life.worker.providers, "get", lambda _name: vendor)
        life.go(until=TERMINAL)
        return life

    return deliver


def without_length(content: bytes) -> Answer:
    """A whole response that names no size. A cut of the file does not show."""
    return raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + content)


def most(life: Life) -> int:
    """The number of bad files after which a generation fails."""
    return life.settings.downloads.bad_files


def moved(life: Life, stage: Stage) -> list[dict[str, Any]]:
    """The details of the moves to a stage, without their authors."""
    authors = {"by", "found_by"}
    events = [event for event in life.events if event.stage is stage and event.name == "moved"]
    return [{name: value for name, value in event.data.items() if name not in authors} for event in events]


def corners(life: Life, poster: Asset) -> tuple[str, str]:
    """The colours of the poster's upper left and lower right corners."""
    content = life.worker.objects.read_range(poster.object_key, 0, poster.size_bytes)
    with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
        assert picture.size == (poster.width, poster.height)
        pixels = picture.convert("RGB")
        return _name(pixels.getpixel((2, 2))), _name(pixels.getpixel((poster.width - 3, poster.height - 3)))


def _name(pixel: object) -> str:
    assert isinstance(pixel, tuple)
    return min(_COLORS, key=lambda name: sum(abs(a - b) for a, b in zip(_COLORS[name], pixel, strict=True)))


def check(life: Life, kind: Kind, content: bytes, expected: Good) -> None:
    """Compare the stored result and its poster with the table."""
    assert life.row.stage is Stage.COMPLETED, life.row.error_message
    result, *posters = life.assets
    assert (result.content_type, result.codec) == (expected.media.content_type, expected.codec)
    assert (result.width, result.height) == expected.size
    assert result.duration_seconds == (expected.seconds and pytest.approx(expected.seconds, abs=0.01))
    assert (result.size_bytes, result.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert life.worker.objects.read_range(result.object_key, 0, len(content)) == content
    assert PurePosixPath(result.object_key).suffix == f".{expected.media.extension}"
    assert life.balance == Balance(available=1000 - life.row.credits, held=0)
    _check_posters(life, posters, expected)
    (stored,) = moved(life, Stage.SETTLING)
    assert ("undecoded" in stored) == (expected.undecoded is not None)
    assert (expected.undecoded or "") in stored.get("undecoded", "")
    ordered = _ORDERED[kind]
    difference = f"{expected.media.extension} file, ordered {ordered.extension}"
    assert (difference in stored.get("differences", [])) == (expected.media is not ordered)


def _check_posters(life: Life, posters: list[Asset], expected: Good) -> None:
    if expected.poster is None:
        assert posters == []
        return
    (poster,) = posters
    assert (poster.role, poster.content_type) == (AssetRole.POSTER, "image/jpeg")
    assert (poster.width, poster.height) == expected.size, "the files of the table are small"
    assert corners(life, poster) == expected.poster


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_is_delivered(delivered: Delivered, name: str) -> None:
    content = VIDEOS[name].make()
    check(delivered(Kind.VIDEO, http(200, content)), Kind.VIDEO, content, VIDEOS[name])


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_delivered(delivered: Delivered, name: str) -> None:
    content = IMAGES[name].make()
    check(delivered(Kind.IMAGE, http(200, content)), Kind.IMAGE, content, IMAGES[name])


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_fetched_a_few_times_and_then_refused_at_no_cost(
    delivered: Delivered, server: RawServer, name: str
) -> None:
    bad: Bad = REFUSED[name]
    content = bad.make()
    life = delivered(bad.kind, *[without_length(content)] * 20)
    assert life.row.stage is Stage.FAILED
    assert (life.row.error_code, life.row.error_message) == (ErrorCode.RESULT_INVALID, bad.reason)
    assert len(server.requests) == most(life)
    assert life.assets == []
    assert life.balance == Balance(available=1000, held=0)


NOT_FILES = {
    "json": b'{"status": "processing"}',
    "page": b"<!DOCTYPE html><title>Not yet</title>",
    "text": b"not ready",
    "nothing": b"",
}


@pytest.mark.parametrize("name", NOT_FILES)
def test_something_else_than_the_file_is_read_again(delivered: Delivered, server: RawServer, name: str) -> None:
    content = IMAGES["png"].make()
    life = delivered(Kind.IMAGE, *[http(200, NOT_FILES[name])] * 4, http(200, content))
    check(life, Kind.IMAGE, content, IMAGES["png"])
    assert [request.target for request in server.requests] == ["/1", "/2", "/3", "/4", "/5"], "each with a fresh link"


@pytest.mark.parametrize("name", NOT_FILES)
def test_something_else_than_the_file_is_refused_after_a_few_reads(
    delivered: Delivered, server: RawServer, name: str
) -> None:
    life = delivered(Kind.IMAGE, *[http(200, NOT_FILES[name])] * 20)
    assert life.row.error_code is ErrorCode.RESULT_INVALID
    assert life.row.error_message == "the file is no image or video, where image was ordered"
    assert len(server.requests) == most(life)
    assert life.balance == Balance(available=1000, held=0)


def test_refused_links_do_not_count_as_bad_files(delivered: Delivered) -> None:
    content = IMAGES["png"].make()
    life = delivered(Kind.IMAGE, *[http(404)] * 10, *[http(200, NOT_FILES["json"])] * 4, http(200, content))
    check(life, Kind.IMAGE, content, IMAGES["png"])


@pytest.mark.parametrize(("kind", "good"), [(Kind.IMAGE, IMAGES["jpeg"]), (Kind.VIDEO, VIDEOS["mp4 faststart"])])
def test_a_cut_file_is_fetched_again(delivered: Delivered, server: RawServer, kind: Kind, good: Good) -> None:
    content = good.make()
    life = delivered(kind, without_length(content[: len(content) * 3 // 4]), without_length(content))
    check(life, kind, content, good)
    assert len(server.requests) == 2
    first, again = moved(life, Stage.DOWNLOADING)
    assert (first, again) == ({}, {"reason": "the file is cut: its end is missing", "bad_files": 1})


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "identity, gzip", "aws-chunked, gzip"])
def test_a_file_in_gzip_is_stored_decoded(delivered: Delivered, encoding: str) -> None:
    good = VIDEOS["mp4 h264"]
    content = good.make()
    life = delivered(Kind.VIDEO, http(200, gzip.compress(content), {"Content-Encoding": encoding}))
    check(life, Kind.VIDEO, content, good)


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_another_encoding_is_named_and_refused(delivered: Delivered, server: RawServer, encoding: str) -> None:
    content = IMAGES["png"].make()
    life = delivered(Kind.IMAGE, *[http(200, content, {"Content-Encoding": encoding})] * 20)
    assert life.row.error_code is ErrorCode.RESULT_INVALID
    assert life.row.error_message is not None
    assert repr(encoding) in life.row.error_message
    assert len(server.requests) == most(life)
