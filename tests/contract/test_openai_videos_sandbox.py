"""The adapter of OpenAI's wire against the sandbox. The sandbox follows OpenAI's client, not the adapter."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from providers.adapters.openai_videos.adapter import OpenAIVideos
from providers.base import AccountState, Cancellation, ProviderRequest, RemoteRef, RemoteStatus, ResultRequest
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered
from schemas.enums import ErrorCode, Kind
from schemas.errors import DownloadError
from schemas.provider_errors import ProviderAuthFailed, ProviderRejected
from schemas.setting_groups import ProviderSettings
from tests.contract.raw_server import RawServer, http
from tests.contract.rig import DOWNLOADS, Rig
from tests.contract.wires.openai_videos import OpenAIVideosWire
from tests.sandbox.harness import KEY

CATALOGUE = Catalogue.load(frozenset({"openai_videos"}))
MODEL = "openai-compatible-video"
SMALL = Delivered(width=64, height=64, duration_seconds=1)
VIDEO = b"\x00\x00\x00\x18ftypisom" + bytes(100)


def account(base_url: str, transport: Transport, *, key: str = KEY) -> OpenAIVideos:
    settings = ProviderSettings(api_key=SecretStr(key), base_url=base_url)
    return OpenAIVideos("openai_videos", settings, transport)


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        videos = account(f"{sandbox_url}/openai_videos", transport)
        yield Rig(videos, CATALOGUE, MODEL, sandbox, sandbox_url, uuid4().hex, delivered=SMALL)


# The least that each model makes, and the most of what changes its words on the wire.
ORDERS: list[tuple[str, dict[str, object]]] = [
    (MODEL, {}),
    (MODEL, {"aspect_ratio": "9:16", "duration_seconds": 12, "resolution": "720p"}),
]


def test_every_model_of_the_catalogue_is_ordered_here() -> None:
    names = {card.name for card in CATALOGUE.models() if card.retired_on is None}
    assert names == {model for model, _ in ORDERS}


@pytest.mark.parametrize(("model", "fields"), ORDERS)
def test_an_order_is_made_and_fetched_with_our_key(rig: Rig, model: str, fields: dict[str, object]) -> None:
    rig.misbehave()
    order = rig.order(model, **fields)
    url = rig.make(order)
    with open_download(rig.provider.result_request(url), DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes
    assert download.media.extension == order.file_extension
    with pytest.raises(DownloadError, match="HTTP 401"):
        open_download(ResultRequest(url), DOWNLOADS, kind=order.kind)


def test_the_wire_has_every_choice_of_the_catalogue(rig: Rig) -> None:
    (card,) = (card for card in CATALOGUE.models() if card.name == MODEL)
    assert card.capabilities is not None
    rig.misbehave(seconds=3600)
    for aspect_ratio in card.capabilities.aspect_ratios:
        for resolution in card.capabilities.resolutions:
            for seconds in card.capabilities.durations_seconds:
                rig.submit(
                    rig.order(aspect_ratio=aspect_ratio, resolution=resolution, duration_seconds=seconds),
                    callback_url="https://gw.example/callbacks/1",
                )
    assert len(rig.sandbox.tasks(rig.word)) == 6


def test_a_result_at_another_host_is_fetched_without_our_key(server: RawServer, transport: Transport) -> None:
    videos = account(f"{server.url}/v1", transport, key="secret")
    with RawServer() as elsewhere:
        server.will(
            http(200, OpenAIVideosWire().succeeded("video_1", [])),
            http(302, headers={"Location": f"{elsewhere.url}/1.mp4"}),
        )
        elsewhere.will(http(200, VIDEO))
        (url,) = videos.poll(RemoteRef("video_1", "sora-2")).result_urls
        with open_download(videos.result_request(url), DOWNLOADS, kind=Kind.VIDEO) as download:
            assert download.read() == VIDEO
    assert [request.headers.get("authorization") for request in server.requests] == ["Bearer secret"] * 2
    assert [request.headers.get("authorization") for request in elsewhere.requests] == [None]


def test_the_rejection_of_a_wrong_input_quotes_the_vendor(rig: Rig) -> None:
    inputs = rig.order().inputs.model_copy(update={"duration_seconds": 5})
    with pytest.raises(ProviderRejected, match="HTTP 400: Invalid value for 'seconds': Input should be '4', "):
        rig.provider.submit(
            ProviderRequest("sora-2", inputs), callback_url=None, generation_id=uuid4(), fence=lambda: None
        )


@pytest.mark.parametrize(
    ("word", "code"),
    [("moderation_blocked", ErrorCode.CONTENT_REJECTED), ("server_error", ErrorCode.PROVIDER_FAILED)],
)
def test_a_failed_video(rig: Rig, word: str, code: ErrorCode) -> None:
    rig.misbehave(outcome="fail", fail_code=word, fail_msg="It went wrong")
    state = rig.finish(rig.submit(rig.order()))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, code)
    assert state.error_message == "openai_videos could not generate it: It went wrong"


def test_a_success_whose_content_is_missing_is_a_stale_link(rig: Rig) -> None:
    rig.misbehave(empty_result=True)
    url = rig.make(rig.order())
    with pytest.raises(DownloadError) as caught:
        open_download(rig.provider.result_request(url), DOWNLOADS, kind=Kind.VIDEO)
    assert caught.value.is_stale


def test_running_work_reports_progress(rig: Rig) -> None:
    rig.misbehave(seconds=3600)
    state = rig.provider.poll(rig.submit(rig.order()))
    assert (state.status, state.progress) == (RemoteStatus.QUEUED, 0)


def test_work_cannot_be_stopped(rig: Rig) -> None:
    rig.misbehave()
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE
    assert rig.finish(remote).status is RemoteStatus.SUCCEEDED


def test_unknown_work_cannot_be_read(rig: Rig) -> None:
    with pytest.raises(ProviderRejected, match="HTTP 404: Video with id 'video_1' not found"):
        rig.provider.poll(RemoteRef("video_1", "sora-2"))


def test_a_check_succeeds_with_and_without_videos(rig: Rig, transport: Transport) -> None:
    assert rig.provider.check() == AccountState()
    rig.misbehave()
    rig.submit(rig.order())
    assert rig.provider.check() == AccountState()
    with pytest.raises(ProviderAuthFailed):
        account(f"{rig.url}/openai_videos", transport, key="wrong").check()
    with pytest.raises(ProviderRejected, match="mostly ends with /v1"):
        account(f"{rig.url}/openai_videos/v1", transport).check()
