"""Veo and Runway behind a Kie account, against the sandbox."""

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from providers.adapters.kie.adapter import Kie
from providers.base import Cancellation, RemoteRef, RemoteStatus
from providers.catalogue import Catalogue
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings
from tests.contract.rig import Rig
from tests.sandbox.harness import KEY, PATIENCE_SECONDS, WEBHOOK_SECRET, eventually, receiving

CATALOGUE = Catalogue.load(frozenset({"kie"}))
FAMILIES = ["veo-3-fast", "runway-gen-3"]
TINY = Delivered(width=64, height=64, duration_seconds=0.5)


@pytest.fixture(params=FAMILIES)
def rig(sandbox_url: str, transport: Transport, request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A model of each family."""
    model: str = request.param
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        sandbox.lift_limits()
        account = ProviderSettings(
            api_key=SecretStr(KEY), webhook_key=SecretStr(WEBHOOK_SECRET), base_url=f"{sandbox_url}/kie"
        )
        yield Rig(Kie("kie", account, transport), CATALOGUE, model, sandbox, sandbox_url, uuid4().hex, TINY)


def only(model: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("rig", [model], indirect=True)


def states_of(rig: Rig, remote: RemoteRef) -> list[RemoteStatus]:
    """The states of a task, as they follow each other."""
    give_up_at, seen = time.monotonic() + PATIENCE_SECONDS, [rig.provider.poll(remote).status]
    while seen[-1] in {RemoteStatus.QUEUED, RemoteStatus.RUNNING}:
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
        status = rig.provider.poll(remote).status
        seen += [status] if status is not seen[-1] else []
    return seen


@only("veo-3-fast")
def test_veo_reports_running_and_then_succeeded(rig: Rig) -> None:
    # Long enough for the first read on a busy machine.
    rig.misbehave(seconds=4)
    assert states_of(rig, rig.submit(rig.order())) == [RemoteStatus.RUNNING, RemoteStatus.SUCCEEDED]


@only("runway-gen-3")
def test_runway_reports_queued_running_and_then_succeeded(rig: Rig) -> None:
    rig.misbehave(seconds=1)
    states = states_of(rig, rig.submit(rig.order()))
    # A slow machine may miss one; what it sees is in this order.
    order = [RemoteStatus.QUEUED, RemoteStatus.RUNNING, RemoteStatus.SUCCEEDED]
    assert states == [state for state in order if state in states]
    assert states[-1] is RemoteStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("fail_code", "expected"),
    [
        ("400", ErrorCode.PROVIDER_REJECTED),
        ("422", ErrorCode.PROVIDER_REJECTED),
        ("500", ErrorCode.PROVIDER_FAILED),
        ("501", ErrorCode.PROVIDER_FAILED),
        ("what?", ErrorCode.PROVIDER_FAILED),
    ],
)
def test_a_failed_task_has_a_reason(rig: Rig, fail_code: str, expected: ErrorCode) -> None:
    rig.misbehave(outcome="fail", fail_code=fail_code, fail_msg="It went wrong")
    state = rig.finish(rig.submit(rig.order()))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, expected)
    assert state.error_message == f"kie could not generate it (code {fail_code}): It went wrong"


def test_a_success_without_a_result_is_a_failure(rig: Rig) -> None:
    rig.misbehave(empty_result=True)
    state = rig.finish(rig.submit(rig.order()))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert state.error_message == "kie reported success without a result"


def test_a_status_that_nobody_knows_is_no_news(rig: Rig) -> None:
    rig.misbehave(state_word="pondering")
    assert rig.provider.poll(rig.submit(rig.order())).status is RemoteStatus.UNKNOWN


REFUSALS = {
    400: ProviderRejected,
    401: ProviderAuthFailed,
    402: ProviderQuotaExceeded,
    422: ProviderRejected,
    429: ProviderRateLimited,
    455: ProviderUnavailable,
    500: ProviderUnavailable,
    501: ProviderRejected,
    799: ProviderOutcomeUnknown,
}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refused_create(rig: Rig, code: int) -> None:
    rig.misbehave(create_error=ErrorReply(code=code, msg="no"))
    with pytest.raises(ProviderError) as caught:
        rig.submit(rig.order())
    assert type(caught.value) is REFUSALS[code]
    assert rig.sandbox.tasks(rig.word) == []


@pytest.mark.parametrize("create_reply", ["drop", "garbage"])
def test_a_create_without_a_readable_answer_is_an_unknown_outcome(rig: Rig, create_reply: str) -> None:
    rig.misbehave(create_reply=create_reply)
    with pytest.raises(ProviderOutcomeUnknown):
        rig.submit(rig.order())
    assert len(rig.sandbox.tasks(rig.word)) == 1


def test_an_input_image_that_cannot_be_fetched(rig: Rig) -> None:
    with pytest.raises(ProviderRejected) as caught:
        rig.submit(rig.order(image_urls=[f"{rig.url}/files/nothing.png"]))
    assert caught.value.code is ErrorCode.INPUT_UNREADABLE


def test_a_video_is_made_from_an_image(rig: Rig, picture: str) -> None:
    rig.misbehave()
    assert rig.make(rig.order(image_urls=[picture])).endswith(".mp4")


def test_a_task_of_the_market_is_unknown_here(rig: Rig) -> None:
    image = rig.submit(rig.order("nano-banana"))
    with pytest.raises(ProviderRejected):
        rig.provider.poll(RemoteRef(image.remote_id, rig.order().routes[0].model))


@pytest.mark.parametrize("outcome", ["success", "fail"])
def test_the_callback_at_the_end_has_a_valid_signature(rig: Rig, outcome: str) -> None:
    rig.misbehave(outcome=outcome)
    with receiving() as receiver:
        remote = rig.submit(rig.order(), callback_url=receiver.url)
        (callback,) = receiver.wait_for(1)
        assert rig.provider.read_callback(callback.headers, callback.body).remote_id == remote.remote_id


def test_a_forged_callback_is_refused_and_a_genuine_one_is_read(rig: Rig) -> None:
    rig.misbehave(callback="forged", seconds=0.4)
    with receiving() as receiver:
        remote = rig.submit(rig.order(), callback_url=receiver.url)
        forged, true = receiver.wait_for(2)
    with pytest.raises(CallbackRefused, match="signature is wrong"):
        rig.provider.read_callback(forged.headers, forged.body)
    assert rig.provider.read_callback(true.headers, true.body).remote_id == remote.remote_id


def test_a_callback_without_a_signature_is_refused(rig: Rig) -> None:
    rig.misbehave(callback="lost")
    remote = rig.submit(rig.order())
    with receiving() as receiver:
        rig.sandbox.send_callback(remote.remote_id, url=receiver.url, signed=False)
        eventually(lambda: len(receiver.received) == 1)
    (callback,) = receiver.received
    with pytest.raises(CallbackRefused, match="X-Webhook-Timestamp"):
        rig.provider.read_callback(callback.headers, callback.body)


def test_kie_cannot_cancel(rig: Rig) -> None:
    rig.misbehave()
    assert rig.provider.cancel(rig.submit(rig.order())) is Cancellation.IMPOSSIBLE
