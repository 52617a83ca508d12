"""The Kling adapter against the sandbox. The sandbox follows Kling's documents, not the adapter."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Literal
from uuid import uuid4

import av
import pytest
from pydantic import SecretStr

from providers.adapters.kling.adapter import Kling
from providers.base import CallbackReading, Cancellation, Provider, RemoteRef, RemoteStatus
from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.prices import KnownCost
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply, Match, Scenario
from schemas.enums import ErrorCode, Kind
from schemas.errors import CallbackRefused
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderModelGone,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY, WEBHOOK_SECRET, eventually

CATALOGUE = Catalogue.load(frozenset({"kling"}))
MODELS = [card.name for card in CATALOGUE.models() if card.retired_on is None]
TEXT = "kling-3.0-text-to-video"
TINY = Delivered(width=64, height=64, duration_seconds=1)


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        account = ProviderSettings(
            api_key=SecretStr(KEY), webhook_key=SecretStr(WEBHOOK_SECRET), base_url=f"{sandbox_url}/kling"
        )
        yield Rig(Kling("kling", account, transport), CATALOGUE, TEXT, sandbox, sandbox_url, uuid4().hex, TINY)


@pytest.fixture
def video(rig: Rig) -> str:
    """A link to a video of four seconds."""
    small = Delivered(width=64, height=64, duration_seconds=4)
    rig.sandbox.add_scenario(Scenario(match=Match(prompt_contains="a source"), seconds=0, delivered=small))
    return rig.make(rig.order(prompt="a source"))


COSTS = {model.name: model.costs["kling"] for model in CatalogueFile.shipped().models if "kling" in model.costs}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("audio", [False, True])
def test_every_model_of_the_catalogue_is_made_and_fetched(
    rig: Rig, picture: str, video: str, model: str, audio: bool
) -> None:
    can = next(card.capabilities for card in CATALOGUE.models() if card.name == model)
    assert can is not None
    rig.misbehave(delivered=Delivered(width=64, height=64))
    order = rig.order(
        model,
        image_urls=[picture] * can.max_images,
        video_urls=[video] * can.max_videos,
        duration_seconds=can.durations_seconds[0],
        generate_audio=audio and can.audio,
    )
    state = rig.finish(rig.submit(order))
    cost = COSTS[model]
    assert isinstance(cost, KnownCost)
    assert state.provider_credits == cost.of(order.inputs)
    request = rig.provider.result_request(state.result_urls[0])
    with open_download(request, DOWNLOADS, kind=order.kind) as download:
        body = download.read()
    assert download.media.extension == order.file_extension
    assert (b"mp4a" in body) is (audio and can.audio)


@pytest.mark.parametrize("model", [model for model in MODELS if "omni" not in model])
def test_every_resolution_of_a_model_is_taken(rig: Rig, picture: str, model: str) -> None:
    can = next(card.capabilities for card in CATALOGUE.models() if card.name == model)
    assert can is not None
    rig.misbehave(delivered=TINY)
    for resolution in can.resolutions:
        order = rig.order(model, image_urls=[picture] * can.max_images, resolution=resolution)
        assert rig.finish(rig.submit(order)).status is RemoteStatus.SUCCEEDED


def test_a_changed_video_keeps_its_length(rig: Rig, video: str) -> None:
    rig.misbehave(delivered=Delivered(width=64, height=64))
    state = rig.finish(rig.submit(rig.order("kling-3.0-omni-video-to-video", video_urls=[video], duration_seconds=15)))
    request = rig.provider.result_request(state.result_urls[0])
    with open_download(request, DOWNLOADS, kind=Kind.VIDEO) as download, av.open(BytesIO(download.read())) as made:
        assert isinstance(made, av.container.InputContainer)
        assert made.duration == 4 * av.time_base


def test_an_invalid_input_video_is_rejected(rig: Rig, picture: str) -> None:
    order = rig.order("kling-3.0-omni-video-to-video", video_urls=[picture])
    with pytest.raises(ProviderRejected, match=r"Failed to fetch the video \[link\] it is not a video"):
        rig.submit(order)


REFUSALS: dict[int, tuple[type[ProviderError], type[ProviderError]]] = {
    1002: (ProviderAuthFailed, ProviderAuthFailed),
    1100: (ProviderAuthFailed, ProviderAuthFailed),
    1101: (ProviderQuotaExceeded, ProviderQuotaExceeded),
    1102: (ProviderQuotaExceeded, ProviderQuotaExceeded),
    1103: (ProviderAuthFailed, ProviderAuthFailed),
    1201: (ProviderRejected, ProviderRejected),
    1203: (ProviderModelGone, ProviderRejected),
    1301: (ProviderRejected, ProviderRejected),
    1302: (ProviderRateLimited, ProviderRateLimited),
    1303: (ProviderRateLimited, ProviderRateLimited),
    1304: (ProviderAuthFailed, ProviderAuthFailed),
    5000: (ProviderOutcomeUnknown, ProviderUnavailable),
    5001: (ProviderUnavailable, ProviderUnavailable),
    5002: (ProviderOutcomeUnknown, ProviderUnavailable),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refused_create_and_a_refused_read(rig: Rig, code: int) -> None:
    refusal = ErrorReply(code=code, msg="no", retry_after=3)
    rig.misbehave(create_error=refusal, poll_error=refusal)
    with pytest.raises(ProviderError) as of_create:
        rig.submit(rig.order())
    remote = rig.submit(rig.order())
    with pytest.raises(ProviderError) as of_read:
        rig.provider.poll(remote)
    assert (type(of_create.value), type(of_read.value)) == REFUSALS[code]
    assert (of_create.value.retry_after, of_read.value.retry_after) == (3, 3)


@pytest.mark.parametrize("create_reply", ["drop", "garbage"])
def test_a_create_without_an_answer_is_found_by_our_id(rig: Rig, create_reply: str) -> None:
    rig.misbehave(create_reply=create_reply)
    generation_id = uuid4()
    with pytest.raises(ProviderOutcomeUnknown):
        rig.submit(rig.order(), generation_id=generation_id)

    found = rig.provider.look_up(generation_id)
    assert found is not None
    (task,) = rig.sandbox.tasks(rig.word)
    assert found.remote_id == task.task_id
    state = rig.finish(RemoteRef(found.remote_id, task.model))
    assert state.status is RemoteStatus.SUCCEEDED


def test_a_look_up_of_an_unknown_id_finds_nothing(rig: Rig) -> None:
    rig.submit(rig.order())
    assert rig.provider.look_up(uuid4()) is None


def test_a_second_create_with_the_same_id_makes_no_task_and_is_an_unknown_outcome(rig: Rig) -> None:
    generation_id = uuid4()
    rig.misbehave()
    first = rig.submit(rig.order(), generation_id=generation_id)
    with pytest.raises(ProviderOutcomeUnknown):
        rig.submit(rig.order(), generation_id=generation_id)

    found = rig.provider.look_up(generation_id)
    assert found is not None
    assert found.remote_id == first.remote_id
    assert len(rig.sandbox.tasks(rig.word)) == 1


def test_an_unknown_task_is_rejected(rig: Rig) -> None:
    with pytest.raises(ProviderRejected, match="does not know this task"):
        rig.provider.poll(RemoteRef("no-such-task", "text-to-video/kling-3.0"))


def test_an_input_picture_that_cannot_be_fetched(rig: Rig) -> None:
    order = rig.order("kling-3.0-image-to-video", image_urls=[f"{rig.url}/files/nothing.png"])
    with pytest.raises(ProviderRejected) as caught:
        rig.submit(order)
    assert caught.value.message == (
        "kling found the request invalid (code 1201): Failed to fetch the image [link] HTTP 404"
    )


def test_a_failed_task(rig: Rig) -> None:
    rig.misbehave(outcome="fail", fail_msg="Risk control")
    state = rig.finish(rig.submit(rig.order()))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert state.error_message == "kling could not generate it: Risk control"


def test_kling_cannot_cancel(rig: Rig) -> None:
    rig.misbehave()
    assert rig.provider.cancel(rig.submit(rig.order())) is Cancellation.IMPOSSIBLE


class Receiver(ThreadingHTTPServer):
    """Hands each callback to the adapter, as the gateway does, and keeps what came of it."""

    def __init__(self, kling: Provider) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kling = kling
        self.readings: list[CallbackReading | None] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            reading = self.server.kling.read_callback(headers, body)
        except CallbackRefused:
            reading = None
        self.send_response(401 if reading is None else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.readings.append(reading)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        pass


@pytest.fixture
def receiver(rig: Rig) -> Iterator[Receiver]:
    with Receiver(rig.provider) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_change_of_state_is_called_back_signed_and_accepted(rig: Rig, receiver: Receiver) -> None:
    rig.misbehave(seconds=0.4)
    remote = rig.submit(rig.order(), callback_url=receiver.url)
    eventually(lambda: len(receiver.readings) == 2)
    assert [reading and reading.remote_id for reading in receiver.readings] == [remote.remote_id] * 2


def test_a_forged_callback_is_refused_and_genuine_ones_are_read(rig: Rig, receiver: Receiver) -> None:
    rig.misbehave(callback="forged", seconds=0.4)
    remote = rig.submit(rig.order(), callback_url=receiver.url)
    eventually(lambda: len(receiver.readings) == 3)
    assert receiver.readings.count(None) == 1
    assert [reading and reading.remote_id for reading in receiver.readings].count(remote.remote_id) == 2


@pytest.mark.parametrize("signed", [False, "wrong"])
def test_a_callback_without_our_secret_is_refused(
    rig: Rig, receiver: Receiver, signed: Literal[False, "wrong"]
) -> None:
    rig.misbehave(callback="lost")
    remote = rig.submit(rig.order())
    assert rig.sandbox.send_callback(remote.remote_id, url=receiver.url, signed=signed).status == 401
    assert rig.sandbox.send_callback(remote.remote_id, url=receiver.url).status == 200
