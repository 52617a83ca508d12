"""The Replicate adapter against the sandbox. The sandbox follows Replicate's documents, not the adapter."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from providers.adapters.replicate.adapter import Replicate
from providers.base import Cancellation, ProviderRequest, RemoteRef, RemoteState, RemoteStatus, ResultRequest
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply, Scenario
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused
from schemas.provider_errors import ProviderRejected, ProviderUnavailable
from schemas.setting_groups import ProviderSettings
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY, WEBHOOK_SECRET, eventually, receiving

CATALOGUE = Catalogue.load(frozenset({"replicate"}))
LONG = 3600

TINY = Delivered(width=64, height=64, duration_seconds=1)


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        account = ProviderSettings(
            api_key=SecretStr(KEY), webhook_key=SecretStr(WEBHOOK_SECRET), base_url=f"{sandbox_url}/replicate"
        )
        sandbox.add_scenario(Scenario(seconds=0, delivered=TINY))
        replicate = Replicate("replicate", account, transport)
        yield Rig(replicate, CATALOGUE, "flux-schnell", sandbox, sandbox_url, uuid4().hex, TINY)


# The least that each model makes, and the most of what changes its words on the wire.
ORDERS: list[tuple[str, dict[str, object]]] = [
    ("flux-schnell", {}),
    ("flux-schnell", {"output_format": "jpeg", "aspect_ratio": "9:21"}),
    ("seedance-1-pro", {"resolution": "480p"}),
    ("seedance-1-pro", {"resolution": "480p", "aspect_ratio": "3:4", "duration_seconds": 10}),
    ("luma-ray-3.2", {"resolution": "540p", "aspect_ratio": "21:9"}),
]


def test_every_model_of_the_catalogue_is_ordered_here() -> None:
    names = {card.name for card in CATALOGUE.models() if card.retired_on is None}
    assert names == {model for model, _ in ORDERS}


@pytest.mark.parametrize(("model", "fields"), ORDERS)
def test_an_order_is_made_and_fetched(rig: Rig, model: str, fields: dict[str, object]) -> None:
    order = rig.order(model, **fields)
    with open_download(ResultRequest(rig.make(order)), DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes
    assert download.media.extension == order.file_extension


@pytest.mark.parametrize("pictures", [1, 2])
def test_a_video_from_pictures_is_made_and_fetched(rig: Rig, picture: str, pictures: int) -> None:
    order = rig.order("luma-ray-3.2", image_urls=[picture] * pictures, resolution="540p")
    with open_download(ResultRequest(rig.make(order)), DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes


def test_the_rejection_of_a_wrong_input_quotes_the_vendor(rig: Rig) -> None:
    inputs = rig.order().inputs.model_copy(update={"aspect_ratio": "7:5"})
    request = ProviderRequest("black-forest-labs/flux-schnell", inputs)
    with pytest.raises(ProviderRejected, match=r"HTTP 422: input\.aspect_ratio: Input should be .1:1., "):
        rig.provider.submit(request, callback_url=None, generation_id=uuid4(), fence=lambda: None)


def test_a_failed_prediction(rig: Rig) -> None:
    rig.misbehave(outcome="fail", fail_msg="It went wrong")
    state = rig.finish(rig.submit(rig.order()))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert state.error_message == "replicate could not generate it: It went wrong"


@pytest.mark.parametrize(("model", "fields"), [ORDERS[0], ORDERS[2]])
def test_a_success_without_a_result(rig: Rig, model: str, fields: dict[str, object]) -> None:
    rig.misbehave(empty_result=True)
    state = rig.finish(rig.submit(rig.order(model, **fields)))
    assert (state.status, state.error_message) == (
        RemoteStatus.FAILED,
        "replicate reported success without a result",
    )


def test_a_status_that_nobody_knows_is_no_news_and_does_not_count_as_stopped(rig: Rig) -> None:
    rig.misbehave(state_word="pondering")
    remote = rig.submit(rig.order())
    assert rig.provider.poll(remote) == RemoteState(RemoteStatus.UNKNOWN, word="pondering")
    assert rig.provider.cancel(remote) is Cancellation.REQUESTED


def test_work_is_stopped(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.STOPPED
    assert rig.provider.poll(remote).status is RemoteStatus.CANCELLED
    assert rig.provider.cancel(remote) is Cancellation.STOPPED
    (task,) = rig.sandbox.tasks(rig.word)
    assert (task.state, task.cancels) == ("cancelled", 2)


def test_work_stops_some_time_after_a_cancel(rig: Rig) -> None:
    rig.misbehave(seconds=LONG, cancel="slow", cancel_seconds=0.2)
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.REQUESTED
    assert rig.finish(remote).status is RemoteStatus.CANCELLED


def test_work_can_succeed_after_a_cancel(rig: Rig) -> None:
    rig.misbehave(seconds=LONG, cancel="ignored")
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.REQUESTED
    rig.sandbox.finish(rig.word)
    assert rig.finish(remote).status is RemoteStatus.SUCCEEDED
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE


def test_work_that_failed_cannot_be_stopped(rig: Rig) -> None:
    rig.misbehave(outcome="fail")
    remote = rig.submit(rig.order())
    rig.finish(remote)
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE


def test_unknown_work_cannot_be_read_or_stopped(rig: Rig) -> None:
    for call in (rig.provider.poll, rig.provider.cancel):
        with pytest.raises(ProviderRejected, match="HTTP 404: There is no prediction p1"):
            call(RemoteRef("p1", "black-forest-labs/flux-schnell"))


def test_a_refused_cancel_can_be_sent_again(rig: Rig) -> None:
    rig.misbehave(seconds=LONG, cancel_error=ErrorReply(code=503, msg="busy", http_status=503, retry_after=2))
    remote = rig.submit(rig.order())
    with pytest.raises(ProviderUnavailable) as caught:
        rig.provider.cancel(remote)
    assert caught.value.retry_after == 2
    assert rig.provider.cancel(remote) is Cancellation.STOPPED


@pytest.mark.parametrize("outcome", ["success", "fail", "cancelled"])
def test_the_webhook_at_the_end_has_a_valid_signature(rig: Rig, outcome: str) -> None:
    rig.misbehave(**({"seconds": LONG} if outcome == "cancelled" else {"outcome": outcome}))
    with receiving() as receiver:
        remote = rig.submit(rig.order(), callback_url=receiver.url)
        if outcome == "cancelled":
            rig.provider.cancel(remote)
        (callback,) = receiver.wait_for(1)
        eventually(lambda: [task.state for task in rig.sandbox.tasks(rig.word)] == [outcome])
    assert rig.provider.read_callback(callback.headers, callback.body).remote_id == remote.remote_id
    with pytest.raises(CallbackRefused, match="signature is wrong"):
        rig.provider.read_callback(callback.headers, callback.body + b" ")
