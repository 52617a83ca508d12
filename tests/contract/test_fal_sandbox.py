"""The fal adapter against the sandbox. The sandbox follows fal's documents, not the adapter."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from pydantic import SecretStr

from providers.adapters.fal.adapter import Fal
from providers.base import (
    Cancellation,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
    ResultRequest,
)
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused
from schemas.provider_errors import ProviderBadResponse, ProviderRejected, ProviderUnavailable
from schemas.setting_groups import ProviderSettings
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY, eventually, receiving

CATALOGUE = Catalogue.load(frozenset({"fal"}))
TEXT, IMAGE, LONGCAT, STABLE = (
    "pika-2.2-text-to-video",
    "pika-2.2-image-to-video",
    "longcat-video-text-to-video",
    "stable-video",
)
TINY = Delivered(width=64, height=64, duration_seconds=1)
LONG = 3600


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        account = ProviderSettings(api_key=SecretStr(KEY), base_url=f"{sandbox_url}/fal")
        yield Rig(Fal("fal", account, transport), CATALOGUE, TEXT, sandbox, sandbox_url, uuid4().hex, TINY)


def submit(rig: Rig) -> RemoteRef:
    """An order as the pipeline keeps it: with the links that the accept named."""
    order = rig.order()
    accepted = rig.provider.submit(
        ProviderRequest(order.routes[0].model, order.inputs),
        callback_url=None,
        generation_id=uuid4(),
        fence=lambda: None,
    )
    return RemoteRef(accepted.remote_id, order.routes[0].model, accepted.links)


# The most of what changes each model's words on the wire.
ORDERS: list[tuple[str, dict[str, object]]] = [
    (TEXT, {}),
    (TEXT, {"resolution": "1080p", "aspect_ratio": "2:3", "duration_seconds": 10}),
    (IMAGE, {"resolution": "1080p", "duration_seconds": 10}),
    (LONGCAT, {"aspect_ratio": "9:16", "duration_seconds": 10}),
    (STABLE, {}),
    ("minimax-h3-max", {"resolution": "480p", "aspect_ratio": "21:9", "seed": 7}),
    ("flux-3", {"resolution": "1080p", "aspect_ratio": "2:1", "duration_seconds": 20, "audio": False}),
]
# The models that also take a picture.
WITH_PICTURE: list[tuple[str, dict[str, object]]] = [("minimax-h3-max", {}), ("flux-3", {"aspect_ratio": "9:16"})]


def test_every_model_of_the_catalogue_is_ordered_here() -> None:
    names = {card.name for card in CATALOGUE.models() if card.retired_on is None}
    assert names == {model for model, _ in ORDERS}


@pytest.mark.parametrize(
    ("model", "fields", "pictures"),
    [
        *((model, fields, int(model in {IMAGE, STABLE})) for model, fields in ORDERS),
        *((model, fields, 1) for model, fields in WITH_PICTURE),
    ],
)
def test_an_order_is_made_and_fetched(
    rig: Rig, picture: str, model: str, fields: dict[str, object], pictures: int
) -> None:
    rig.misbehave()
    order = rig.order(model, image_urls=[picture] * pictures, **fields)
    with open_download(ResultRequest(rig.make(order)), DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes
    assert download.media.extension == order.file_extension


@pytest.mark.parametrize(
    ("model", "fields"), [(TEXT, {}), (LONGCAT, {}), (LONGCAT, {"duration_seconds": 10}), (STABLE, {})]
)
def test_what_is_delivered_is_as_long_as_what_was_ordered(
    rig: Rig, picture: str, model: str, fields: dict[str, object]
) -> None:
    rig.misbehave(seconds=LONG)
    order = rig.order(model, image_urls=[picture] if model == STABLE else [], **fields)
    rig.submit(order)
    (task,) = rig.sandbox.tasks(rig.word)
    sent = task.request
    frames, rate = sent.get("num_frames", 25), sent.get("fps", 25)
    assert isinstance(frames, int)
    assert isinstance(rate, int)
    assert (sent["duration"] if model == TEXT else str(frames // rate)) == str(order.inputs.duration_seconds)


def test_a_request_is_asked_for_at_the_links_of_its_accept(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    remote = submit(rig)
    assert set(remote.links) == {"status", "response", "cancel"}
    nobodys = replace(remote, remote_id="0", model="no/such/app")
    with pytest.raises(ProviderBadResponse, match="the state of another request"):
        rig.provider.poll(nobodys)
    with pytest.raises(ProviderRejected, match="HTTP 404"):
        rig.provider.poll(replace(nobodys, links={}))


def test_links_that_are_not_the_accounts_own_are_not_followed(rig: Rig) -> None:
    remote = submit(rig)
    with receiving() as elsewhere:
        links = dict.fromkeys(("status", "response", "cancel"), elsewhere.url)
        assert rig.finish(replace(remote, links=links)).status is RemoteStatus.SUCCEEDED
        assert elsewhere.received == []


def test_the_rejection_of_a_wrong_input_quotes_the_vendor(rig: Rig) -> None:
    inputs = rig.order().inputs.model_copy(update={"duration_seconds": 7})
    request = ProviderRequest("fal-ai/pika/v2.2/text-to-video", inputs)
    with pytest.raises(ProviderRejected, match="HTTP 422: Input should be '5' or '10'"):
        rig.provider.submit(request, callback_url=None, generation_id=uuid4(), fence=lambda: None)


def test_an_image_that_cannot_be_fetched_is_the_customers(rig: Rig) -> None:
    with pytest.raises(ProviderRejected) as caught:
        rig.submit(rig.order(IMAGE, image_urls=[f"{rig.url}/files/nothing.png"]))
    assert caught.value.code is ErrorCode.INPUT_UNREADABLE
    assert "[link]" in caught.value.message


@pytest.mark.parametrize(
    ("fail_code", "code"),
    [
        ("content_policy_violation", ErrorCode.CONTENT_REJECTED),
        ("image_load_error", ErrorCode.INPUT_UNREADABLE),
        ("literal_error", ErrorCode.PROVIDER_REJECTED),
        ("generation_timeout", ErrorCode.PROVIDER_FAILED),
        ("downstream_service_error", ErrorCode.PROVIDER_FAILED),
        ("downstream_service_unavailable", ErrorCode.PROVIDER_FAILED),
        ("internal_server_error", ErrorCode.PROVIDER_FAILED),
        ("runner_disconnected", ErrorCode.PROVIDER_FAILED),
    ],
)
def test_a_request_that_ended_badly(rig: Rig, fail_code: str, code: ErrorCode) -> None:
    rig.misbehave(outcome="fail", fail_code=fail_code, fail_msg="It went wrong")
    state = rig.finish(submit(rig))
    assert state == RemoteState(
        RemoteStatus.FAILED,
        error_code=code,
        error_message=f"fal could not generate it ({fail_code}): It went wrong",
    )


def test_a_status_that_nobody_knows_is_no_news_and_does_not_count_as_stopped(rig: Rig) -> None:
    rig.misbehave(seconds=LONG, state_word="PONDERING")
    remote = submit(rig)
    assert rig.provider.poll(remote) == RemoteState(RemoteStatus.UNKNOWN, word="PONDERING")
    assert rig.provider.cancel(remote) is Cancellation.REQUESTED


def test_what_waits_in_the_queue_is_stopped(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    remote = submit(rig)
    assert rig.provider.poll(remote).status is RemoteStatus.QUEUED
    assert rig.provider.cancel(remote) is Cancellation.STOPPED
    (task,) = rig.sandbox.tasks(rig.word)
    assert (task.state, task.cancels) == ("cancelled", 1)


def test_what_runs_is_asked_to_stop_and_may_be_delivered(rig: Rig) -> None:
    rig.misbehave(seconds=LONG, state_word="IN_PROGRESS", cancel="ignored")
    remote = submit(rig)
    assert rig.provider.poll(remote).status is RemoteStatus.RUNNING
    assert rig.provider.cancel(remote) is Cancellation.REQUESTED


def test_finished_work_cannot_be_cancelled(rig: Rig) -> None:
    remote = submit(rig)
    rig.finish(remote)
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE
    (task,) = rig.sandbox.tasks(rig.word)
    assert task.cancels == 0


def test_what_ends_while_it_is_asked_to_stop_cannot_be_stopped(rig: Rig) -> None:
    rig.misbehave(state_word="IN_PROGRESS", seconds=0)
    remote = submit(rig)
    eventually(lambda: [task.completed_at is not None for task in rig.sandbox.tasks(rig.word)] == [True])
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE


def test_unknown_work_cannot_be_read_or_stopped(rig: Rig) -> None:
    for call in (rig.provider.poll, rig.provider.cancel):
        with pytest.raises(ProviderRejected, match="HTTP 404: Request req_1 not found"):
            call(RemoteRef("req_1", "fal-ai/pika/v2.2/text-to-video"))


def test_a_refused_cancel_can_be_sent_again(rig: Rig) -> None:
    rig.misbehave(seconds=LONG, cancel_error=ErrorReply(code=503, msg="busy", retry_after=2))
    remote = submit(rig)
    with pytest.raises(ProviderUnavailable) as caught:
        rig.provider.cancel(remote)
    assert caught.value.retry_after == 2
    assert rig.provider.cancel(remote) is Cancellation.STOPPED


@pytest.mark.parametrize("outcome", ["success", "fail"])
def test_the_webhook_at_the_end_has_a_valid_signature(rig: Rig, outcome: str) -> None:
    rig.misbehave(outcome=outcome)
    provider = rig.provider
    with receiving() as receiver:
        remote = rig.submit(rig.order(), callback_url=receiver.url)
        (callback,) = receiver.wait_for(1)
    forged = callback.body + b" "
    # Nobody waits for the keys: the first callback is a hint, whoever sent it, and brings them.
    assert provider.read_callback({}, forged).remote_id == remote.remote_id

    def is_refused() -> bool:
        try:
            provider.read_callback(callback.headers, forged)
        except CallbackRefused:
            return True
        return False

    eventually(is_refused)
    assert provider.read_callback(callback.headers, callback.body).remote_id == remote.remote_id
    with pytest.raises(CallbackRefused, match="X-Fal-Webhook-Timestamp"):
        provider.read_callback({}, callback.body)
