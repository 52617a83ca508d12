"""The Gemini adapter against the sandbox. The sandbox follows Google's documents, not the adapter."""

import hashlib
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr, TypeAdapter

from providers.adapters.gemini.adapter import Gemini
from providers.base import (
    AccountState,
    Cancellation,
    InputFile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
)
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.transport import MAX_REPLY_BYTES, Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply
from schemas.enums import ErrorCode, Kind
from schemas.errors import CallbackRefused, DownloadError
from schemas.orders import Order
from schemas.provider_errors import ProviderAuthFailed, ProviderRejected, ProviderUnavailable
from schemas.setting_groups import ProviderSettings
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY, WEBHOOK_SECRET, eventually, receiving

CATALOGUE = Catalogue.load(frozenset({"gemini"}))
OMNI, LONGER, BANANA = "gemini-omni-1.1-flash", "gemini-omni-1.2-flash", "gemini-nano-banana-2.1"
INPUT = TypeAdapter(list[dict[str, str]])
TINY = Delivered(width=64, height=64, duration_seconds=1)
LONG = 3600


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        provider = account(sandbox_url, transport)
        yield Rig(provider, CATALOGUE, OMNI, sandbox, sandbox_url, uuid4().hex, TINY)


def account(sandbox_url: str, transport: Transport, *, key: str = KEY) -> Gemini:
    settings = ProviderSettings(
        api_key=SecretStr(key), webhook_key=SecretStr(WEBHOOK_SECRET), base_url=f"{sandbox_url}/gemini"
    )
    return Gemini("gemini", settings, transport)


@pytest.fixture
def clip(rig: Rig) -> str:
    """A link to a video; the sandbox's other vendor made it."""
    rig.misbehave()
    headers = {"Authorization": f"Key {KEY}"}
    with httpx.Client(base_url=f"{rig.url}/fal", headers=headers, trust_env=False) as fal:
        answer = fal.post("/fal-ai/pika/v2.2/text-to-video", json={"prompt": f"a boat {rig.word}"})
        link = f"{rig.url}/files/{answer.json()['request_id']}.mp4"
        eventually(lambda: fal.get(link).status_code == 200)
    return link


# Model, fields, pictures: the least that each makes, and the most of what changes its words on the wire.
ORDERS: list[tuple[str, dict[str, object], int]] = [
    (OMNI, {}, 0),
    (OMNI, {"resolution": "360p", "aspect_ratio": "9:16", "duration_seconds": 3}, 1),
    (LONGER, {"resolution": "4k", "duration_seconds": 15, "seed": 2**31 - 1}, 2),
    (BANANA, {}, 0),
    (BANANA, {"aspect_ratio": "8:1", "resolution": "4K"}, 3),
    ("gemini-3.1-flash-image", {"aspect_ratio": "1:4", "resolution": "512"}, 1),
    ("gemini-3.1-flash-lite-image", {"aspect_ratio": "21:9"}, 1),
    ("gemini-3-pro-image", {"aspect_ratio": "4:5", "resolution": "2K"}, 1),
    ("gemini-2.5-flash-image", {"aspect_ratio": "16:9"}, 1),
]


def test_every_model_of_the_catalogue_is_ordered_here() -> None:
    names = {card.name for card in CATALOGUE.models() if card.retired_on is None}
    assert names == {model for model, *_ in ORDERS}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetched(rig: Rig, order: Order, link: str) -> bytes:
    """The result behind a link, checked to be what was ordered."""
    with open_download(rig.provider.result_request(link), DOWNLOADS, kind=order.kind) as download:
        content = download.read()
    assert download.media.extension == order.file_extension
    return content


def made(rig: Rig, remote: RemoteRef, order: Order) -> bytes:
    """What the sandbox made of an order."""
    answer = httpx.get(f"{rig.url}/files/{remote.remote_id}.{order.file_extension}", trust_env=False)
    return answer.raise_for_status().content


@pytest.mark.parametrize("inline", [False, True], ids=["uri", "inline"])
@pytest.mark.parametrize(("model", "fields", "pictures"), ORDERS)
def test_an_order_is_made_and_fetched(
    rig: Rig, picture: str, model: str, fields: dict[str, object], pictures: int, inline: bool
) -> None:
    rig.misbehave(inline_result=inline)
    order = rig.order(model, image_urls=[picture] * pictures, **fields)
    remote = rig.submit(order)
    (link,) = rig.finish(remote).result_urls
    # Not one of the pictures that the interaction tells of, too.
    assert digest(fetched(rig, order, link)) == digest(made(rig, remote, order))


def test_an_interaction_with_a_video_of_many_megabytes_can_be_read(rig: Rig) -> None:
    size = MAX_REPLY_BYTES + 2**20
    rig.misbehave(inline_result=True, delivered=Delivered(width=64, height=64, duration_seconds=1, size_bytes=size))
    order = rig.order()
    assert len(fetched(rig, order, rig.make(order))) == size


def test_a_video_is_edited(rig: Rig, clip: str, picture: str) -> None:
    remote = rig.submit(rig.order(video_urls=[clip], image_urls=[picture]))
    task = next(task for task in rig.sandbox.tasks(rig.word) if task.model == OMNI)
    given = INPUT.validate_python(task.request["input"])
    assert [(content["type"], content.get("mime_type")) for content in given] == [
        ("image", "image/png"),
        ("video", "video/mp4"),
        ("text", None),
    ]
    # What becomes of them is for the prompt to say.
    assert "generation_config" not in task.request
    assert rig.finish(remote).status is RemoteStatus.SUCCEEDED


def test_the_fields_of_an_order_reach_google(rig: Rig, picture: str) -> None:
    rig.misbehave(seconds=LONG)
    rig.submit(rig.order(image_urls=[picture], resolution="1080p", aspect_ratio="9:16", duration_seconds=4, seed=7))
    (task,) = rig.sandbox.tasks(rig.word)
    image, text = INPUT.validate_python(task.request["input"])
    assert {**task.request, "input": []} == {
        "model": OMNI,
        "input": [],
        "response_format": {
            "type": "video",
            "aspect_ratio": "9:16",
            "resolution": "1080p",
            "duration": "4s",
            "delivery": "uri",
        },
        "generation_config": {"seed": 7, "video_config": {"task": "image_to_video"}},
        "background": True,
    }
    assert (image["type"], image["mime_type"], text["type"]) == ("image", "image/png", "text")


def test_a_file_requires_our_key(rig: Rig) -> None:
    rig.misbehave()
    wanted = rig.provider.result_request(rig.make(rig.order()))
    assert wanted.url.endswith("?alt=media")
    assert wanted.headers == {"x-goog-api-key": KEY}
    assert httpx.get(wanted.url, trust_env=False).status_code == 403
    assert httpx.get(wanted.url, headers=wanted.headers, trust_env=False).status_code == 200


def test_a_link_to_another_host_is_fetched_without_our_key(rig: Rig) -> None:
    for link in ("https://media.example/v1beta/files/1", f"{rig.url}/geminiv1beta/files/1", "https://media.example/"):
        wanted = rig.provider.result_request(link)
        assert (wanted.url, wanted.headers, wanted.embedded_in) == (link, {}, None)


def test_a_missing_result_is_a_stale_link(rig: Rig) -> None:
    rig.misbehave()
    link = rig.make(rig.order())
    rig.sandbox.reset()
    with pytest.raises(DownloadError) as caught:
        open_download(rig.provider.result_request(link), DOWNLOADS, kind=Kind.VIDEO)
    assert caught.value.is_stale


def test_a_wrong_key_with_http_400_is_an_authentication_failure(
    rig: Rig, sandbox_url: str, transport: Transport
) -> None:
    stranger = account(sandbox_url, transport, key="AIza-wrong")
    remote = RemoteRef("v1_1", OMNI)
    with pytest.raises(ProviderAuthFailed):
        stranger.check()
    with pytest.raises(ProviderAuthFailed):
        stranger.poll(remote)
    with pytest.raises(ProviderAuthFailed):
        stranger.submit(
            ProviderRequest(OMNI, rig.order().inputs), callback_url=None, generation_id=uuid4(), fence=lambda: None
        )
    assert rig.provider.check() == AccountState()


def test_the_rejection_of_a_wrong_input_quotes_google(rig: Rig) -> None:
    inputs = rig.order().inputs.model_copy(update={"duration_seconds": 60})
    with pytest.raises(ProviderRejected, match=r"HTTP 400: response_format.duration: should be 3s to 10s"):
        rig.provider.submit(ProviderRequest(OMNI, inputs), callback_url=None, generation_id=uuid4(), fence=lambda: None)


def test_a_picture_that_google_cannot_read_is_rejected(rig: Rig) -> None:
    url = "https://media.example/1.png"
    request = ProviderRequest(OMNI, rig.order(image_urls=[url]).inputs, {url: InputFile(b"no picture", "image/png")})
    with pytest.raises(ProviderRejected, match="HTTP 400: Unable to process input image"):
        rig.provider.submit(request, callback_url=None, generation_id=uuid4(), fence=lambda: None)


@pytest.mark.parametrize(
    ("fail_code", "message"),
    [
        ("internal_error", "It went wrong"),
        ("incomplete", "it stopped before the result was whole (incomplete)"),
        ("budget_exceeded", "it used up what it may compute for one result (budget_exceeded)"),
        ("requires_action", "it waits for an answer, and nobody is there to give one (requires_action)"),
        ("requires_continuation", "it waits to be told to go on, and nobody is there to do so (requires_continuation)"),
    ],
)
def test_a_failed_interaction_is_a_failure(rig: Rig, fail_code: str, message: str) -> None:
    rig.misbehave(outcome="fail", fail_code=fail_code, fail_msg="It went wrong")
    assert rig.finish(rig.submit(rig.order())) == RemoteState(
        RemoteStatus.FAILED,
        error_code=ErrorCode.PROVIDER_FAILED,
        error_message=f"gemini could not generate it: {message}",
    )


def test_a_status_that_nobody_knows_is_no_news_and_does_not_count_as_stopped(rig: Rig) -> None:
    rig.misbehave(state_word="pondering")
    remote = rig.submit(rig.order())
    assert rig.provider.poll(remote) == RemoteState(RemoteStatus.UNKNOWN, word="pondering")
    assert rig.provider.cancel(remote) is Cancellation.REQUESTED


def test_running_work_is_stopped(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    remote = rig.submit(rig.order())
    assert rig.provider.poll(remote).status is RemoteStatus.QUEUED
    assert rig.provider.cancel(remote) is Cancellation.STOPPED
    assert rig.provider.poll(remote) == RemoteState(RemoteStatus.CANCELLED)


def test_a_cancel_of_work_that_does_not_stop_at_once_is_requested(rig: Rig) -> None:
    rig.misbehave(seconds=LONG, cancel="ignored")
    assert rig.provider.cancel(rig.submit(rig.order())) is Cancellation.REQUESTED


def test_finished_work_cannot_be_cancelled(rig: Rig) -> None:
    rig.misbehave()
    remote = rig.submit(rig.order())
    rig.finish(remote)
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE


def test_unknown_work_cannot_be_read_or_stopped(rig: Rig) -> None:
    for call in (rig.provider.poll, rig.provider.cancel):
        with pytest.raises(ProviderRejected, match="HTTP 404: Requested entity was not found"):
            call(RemoteRef("v1_1", OMNI))


def test_a_refused_cancel_can_be_sent_again(rig: Rig) -> None:
    rig.misbehave(seconds=LONG, cancel_error=ErrorReply(code=503, msg="busy", retry_after=2))
    remote = rig.submit(rig.order())
    with pytest.raises(ProviderUnavailable) as caught:
        rig.provider.cancel(remote)
    assert caught.value.retry_after == 2
    assert rig.provider.cancel(remote) is Cancellation.STOPPED


def is_refused(rig: Rig, headers: dict[str, str], body: bytes) -> bool:
    try:
        rig.provider.read_callback(headers, body)
    except CallbackRefused:
        return True
    return False


@pytest.mark.parametrize("outcome", ["success", "fail"])
def test_a_create_with_a_callback_url_gets_a_webhook_at_the_end(rig: Rig, outcome: str) -> None:
    rig.misbehave(outcome=outcome)
    with receiving() as receiver:
        remote = rig.submit(rig.order(), callback_url=receiver.url)
        (callback,) = receiver.wait_for(1)
    forged = callback.body.replace(remote.remote_id.encode(), b"v1_another")
    # Nobody waits for the keys: the first callback is a hint, whoever sent it, and brings them.
    assert rig.provider.read_callback({}, forged).remote_id == "v1_another"
    eventually(lambda: is_refused(rig, {}, forged))
    assert rig.provider.read_callback(callback.headers, callback.body).remote_id == remote.remote_id
    assert is_refused(rig, callback.headers, forged)


def test_a_token_that_another_key_signed_is_refused(rig: Rig) -> None:
    rig.misbehave(callback="forged", seconds=LONG)
    with receiving() as receiver:
        rig.submit(rig.order(), callback_url=receiver.url)
        (forged,) = receiver.wait_for(1)
    eventually(lambda: is_refused(rig, forged.headers, forged.body))


def test_cancelled_work_gets_a_webhook(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    with receiving() as receiver:
        remote = rig.submit(rig.order(), callback_url=receiver.url)
        rig.provider.cancel(remote)
        (callback,) = receiver.wait_for(1)
    assert b"interaction.cancelled" in callback.body
    assert rig.provider.read_callback(callback.headers, callback.body).remote_id == remote.remote_id


def test_a_webhook_of_the_project_is_signed_with_its_secret(rig: Rig) -> None:
    rig.misbehave()
    with receiving() as receiver:
        registered = httpx.post(
            f"{rig.url}/gemini/v1beta/webhooks",
            headers={"x-goog-api-key": KEY},
            json={"uri": receiver.url, "subscribed_events": ["interaction.completed"]},
            trust_env=False,
        )
        assert registered.json()["new_signing_secret"] == WEBHOOK_SECRET
        remote = rig.submit(rig.order())
        (callback,) = receiver.wait_for(1)
    assert rig.provider.read_callback(callback.headers, callback.body).remote_id == remote.remote_id
    assert is_refused(rig, callback.headers, callback.body + b" ")
    late = {**callback.headers, "webhook-timestamp": str(int(time.time()) - 301)}
    assert is_refused(rig, late, callback.body)
