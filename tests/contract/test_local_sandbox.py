"""The adapter of the model server against the sandbox."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from pydantic import SecretStr

from providers.adapters.local.adapter import ModelServer
from providers.base import AccountState, Cancellation, RemoteRef, RemoteState, RemoteStatus
from providers.catalogue import Catalogue, CatalogueFile
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply, Match, Scenario
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused, DownloadError
from schemas.provider_errors import ProviderAuthFailed, ProviderOutcomeUnknown, ProviderRateLimited
from schemas.setting_groups import ProviderSettings
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY, WEBHOOK_SECRET, eventually, receiving

CATALOGUE = Catalogue.load(frozenset({"local"}))
FILE = CatalogueFile.shipped()
TEXT, SMALL, IMAGE, PICTURE = "ltx-video", "wan-2.1", "stable-video", "sdxl-turbo"
TINY = Delivered(width=64, height=64, duration_seconds=1)
LONG = 3600


def account(url: str, transport: Transport, *, key: str = KEY, webhook_key: str = WEBHOOK_SECRET) -> ModelServer:
    settings = ProviderSettings(api_key=SecretStr(key), webhook_key=SecretStr(webhook_key), base_url=f"{url}/local")
    return ModelServer("local", settings, transport)


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        # This pipeline reads no prompt, so no word selects its scenario.
        sandbox.add_scenario(Scenario(match=Match(model=IMAGE), seconds=0, delivered=TINY))
        yield Rig(account(sandbox_url, transport), CATALOGUE, TEXT, sandbox, sandbox_url, uuid4().hex, delivered=TINY)


# The plainest order of each model, and what changes its words on the wire.
ORDERS: list[tuple[str, dict[str, object]]] = [
    (TEXT, {}),
    (TEXT, {"duration_seconds": 6, "seed": 7, "negative_prompt": "blur"}),
    (SMALL, {}),
    (SMALL, {"duration_seconds": 1, "seed": 7, "negative_prompt": "blur"}),
    (IMAGE, {}),
    (IMAGE, {"motion": 0.9, "seed": 7}),
    (PICTURE, {}),
    (PICTURE, {"seed": 7}),
]


def test_every_model_of_the_catalogue_is_ordered_here() -> None:
    names = {card.name for card in CATALOGUE.models() if card.retired_on is None}
    assert names == {model for model, _ in ORDERS}


@pytest.mark.parametrize(("model", "fields"), ORDERS)
def test_an_order_is_made_and_fetched(rig: Rig, picture: str, model: str, fields: dict[str, object]) -> None:
    rig.misbehave()
    order = rig.order(model, **({"image_urls": [picture]} if model == IMAGE else {}), **fields)
    request = rig.provider.result_request(rig.make(order))
    with open_download(request, DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes
    assert download.media.extension == order.file_extension


@pytest.mark.parametrize("model", [TEXT, SMALL])
def test_every_length_of_the_catalogue_is_legal(rig: Rig, model: str) -> None:
    rig.misbehave(seconds=LONG)
    (card,) = [each for each in FILE.models if each.name == model]
    for seconds in card.capabilities.durations_seconds:
        rig.submit(rig.order(model, duration_seconds=seconds))
        create = rig.sandbox.tasks(rig.word)[-1].request
        frames, rate = create["num_frames"], create["fps"]
        assert isinstance(frames, int)
        assert isinstance(rate, int)
        assert abs(frames / rate - seconds) < 0.17


def test_a_file_is_not_served_without_the_key(rig: Rig) -> None:
    rig.misbehave()
    request = rig.provider.result_request(rig.make(rig.order()))
    with (
        pytest.raises(DownloadError, match="HTTP 401"),
        open_download(replace(request, headers={}), DOWNLOADS, kind=rig.order().kind),
    ):
        pass


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("content_rejected", ErrorCode.CONTENT_REJECTED),
        ("out_of_memory", ErrorCode.PROVIDER_REJECTED),
        ("pipeline_failed", ErrorCode.PROVIDER_FAILED),
    ],
)
def test_a_failed_job(rig: Rig, word: str, code: ErrorCode) -> None:
    rig.misbehave(outcome="fail", fail_code=word, fail_msg="It went wrong")
    state = rig.finish(rig.submit(rig.order()))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, code)
    assert state.error_message == "local could not generate it: It went wrong"


def test_a_create_without_an_answer_is_found_by_our_reference(rig: Rig) -> None:
    rig.misbehave(create_reply="drop")
    generation_id = uuid4()
    with pytest.raises(ProviderOutcomeUnknown):
        rig.submit(rig.order(), generation_id=generation_id)
    found = rig.provider.look_up(generation_id)
    assert found is not None
    assert [found.remote_id] == [task.task_id for task in rig.sandbox.tasks(rig.word)]
    assert rig.finish(RemoteRef(found.remote_id, TEXT, found.links)).status is RemoteStatus.SUCCEEDED
    assert rig.provider.look_up(uuid4()) is None


def test_a_second_create_with_our_reference_is_the_first(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    generation_id = uuid4()
    first = rig.submit(rig.order(), generation_id=generation_id)
    assert rig.submit(rig.order(), generation_id=generation_id) == first
    with pytest.raises(ProviderOutcomeUnknown, match="has a job with our reference already"):
        rig.submit(rig.order(seed=7), generation_id=generation_id)
    assert len(rig.sandbox.tasks(rig.word)) == 1


def test_a_full_queue_is_a_limit_of_the_account(rig: Rig) -> None:
    rig.misbehave(create_error=ErrorReply(code=429, msg="the queue is full", retry_after=4))
    with pytest.raises(ProviderRateLimited) as caught:
        rig.submit(rig.order())
    assert caught.value.retry_after == 4


def test_waiting_work_tells_its_place(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    rig.sandbox.set_limits(local_concurrency=0)
    works = [rig.submit(rig.order()) for _ in range(2)]
    rig.sandbox.finish(rig.word)
    eventually(lambda: [rig.provider.poll(work).ahead for work in works] == [0, 1])


def test_work_is_stopped_at_once_or_some_time_after_a_cancel(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.STOPPED
    assert rig.provider.poll(remote).status is RemoteStatus.CANCELLED
    rig.misbehave(seconds=LONG, cancel="slow", cancel_seconds=0.2)
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.REQUESTED
    assert rig.finish(remote).status is RemoteStatus.CANCELLED


def test_finished_work_cannot_be_stopped(rig: Rig) -> None:
    rig.misbehave()
    remote = rig.submit(rig.order())
    rig.finish(remote)
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE


def test_work_of_a_restarted_server_is_lost(rig: Rig) -> None:
    rig.misbehave(state_word="lost")
    assert rig.provider.poll(rig.submit(rig.order())) == RemoteState(RemoteStatus.LOST)
    assert rig.provider.poll(RemoteRef("job-1", TEXT)) == RemoteState(RemoteStatus.LOST)


def test_a_status_that_is_not_known_is_no_news(rig: Rig) -> None:
    rig.misbehave(state_word="pondering")
    assert rig.provider.poll(rig.submit(rig.order())) == RemoteState(RemoteStatus.UNKNOWN, word="pondering")


@pytest.mark.parametrize("outcome", ["success", "fail"])
def test_the_webhook_at_the_end_has_a_valid_signature(rig: Rig, outcome: str) -> None:
    rig.misbehave(outcome=outcome)
    with receiving() as receiver:
        remote = rig.submit(rig.order(), callback_url=receiver.url)
        (callback,) = receiver.wait_for(1)
    reading = rig.provider.read_callback(callback.headers, callback.body)
    assert (reading.remote_id, reading.is_verified) == (remote.remote_id, True)
    with pytest.raises(CallbackRefused, match="signature is wrong"):
        rig.provider.read_callback(callback.headers, callback.body + b" ")


def test_an_account_is_checked(rig: Rig, transport: Transport) -> None:
    assert rig.provider.check() == AccountState()
    with pytest.raises(ProviderAuthFailed):
        account(rig.url, transport, key="wrong").check()
