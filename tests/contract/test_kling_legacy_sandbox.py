"""The adapter of Kling's legacy dialect against the sandbox. The sandbox follows Kling's documents."""

from collections.abc import Callable, Iterator
from time import time
from uuid import uuid4

import pytest
from pydantic import SecretStr

from providers.adapters.kling_legacy.adapter import KlingLegacy
from providers.base import CallbackReading, Cancellation, RemoteRef, RemoteStatus
from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.prices import KnownCost
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.config import SandboxConfig
from sandbox.scenarios import Delivered
from schemas.errors import CallbackRefused
from schemas.provider_errors import ProviderAuthFailed, ProviderOutcomeUnknown, ProviderRejected
from schemas.setting_groups import ProviderSettings
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY, WEBHOOK_SECRET, receiving

CATALOGUE = Catalogue.load(frozenset({"kling_legacy"}))
TEXT, IMAGE = "kling-2.6-pro-text-to-video", "kling-2.6-pro-image-to-video"
COSTS = {
    model.name: model.costs["kling_legacy"] for model in CatalogueFile.shipped().models if "kling_legacy" in model.costs
}
TINY = Delivered(width=64, height=64, duration_seconds=1)


def account(
    url: str, transport: Transport, *, clock: Callable[[], float] = time, options: dict[str, SecretStr] | None = None
) -> KlingLegacy:
    settings = ProviderSettings(
        api_key=SecretStr(KEY),
        webhook_key=SecretStr(WEBHOOK_SECRET),
        base_url=f"{url}/kling_legacy",
        options=options or {},
    )
    return KlingLegacy("kling_legacy", settings, transport, clock=clock)


def pair(secret_key: str = SandboxConfig.kling_secret_key) -> dict[str, SecretStr]:
    """The secret key that makes the account's key an access key."""
    return {"secret_key": SecretStr(secret_key)}


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        yield Rig(account(sandbox_url, transport), CATALOGUE, TEXT, sandbox, sandbox_url, uuid4().hex, TINY)


def test_the_catalogue_has_these_models() -> None:
    assert {card.name for card in CATALOGUE.models() if card.retired_on is None} == set(COSTS)


@pytest.mark.parametrize("model", COSTS)
@pytest.mark.parametrize("audio", [False, True])
def test_every_model_of_the_catalogue_is_made_and_fetched(rig: Rig, picture: str, model: str, audio: bool) -> None:
    can = next(card.capabilities for card in CATALOGUE.models() if card.name == model)
    assert can is not None
    rig.misbehave(delivered=Delivered(width=64, height=64))
    sounds = audio and can.audio
    pictures = [picture] * can.max_images
    order = rig.order(model, image_urls=pictures, duration_seconds=can.durations_seconds[0], generate_audio=sounds)
    state = rig.finish(rig.submit(order))
    cost = COSTS[model]
    assert isinstance(cost, KnownCost)
    assert state.provider_credits == cost.of(order.inputs)
    with open_download(rig.provider.result_request(state.result_urls[0]), DOWNLOADS, kind=order.kind) as download:
        body = download.read()
    assert download.media.extension == order.file_extension
    assert (b"mp4a" in body) is sounds


@pytest.mark.parametrize("model", COSTS)
def test_every_choice_of_a_model_is_taken(rig: Rig, picture: str, model: str) -> None:
    can = next(card.capabilities for card in CATALOGUE.models() if card.name == model)
    assert can is not None
    rig.misbehave(seconds=0, delivered=TINY)
    offered: dict[str, list[object]] = {
        "resolution": [*can.resolutions],
        "aspect_ratio": [*can.aspect_ratios],
        "duration_seconds": [*can.durations_seconds],
        "negative_prompt": ["blur"] if can.negative_prompt_characters else [],
    }
    for field, values in offered.items():
        for value in values:
            rig.submit(rig.order(model, image_urls=[picture] * can.max_images, **{field: value}))


def test_a_pair_of_keys_works_as_an_api_key_does(rig: Rig, transport: Transport) -> None:
    rig.misbehave(seconds=0)
    provider = account(rig.url, transport, options=pair())
    provider.check()
    with_pair = Rig(provider, CATALOGUE, TEXT, rig.sandbox, rig.url, rig.word, TINY)
    assert with_pair.finish(with_pair.submit(with_pair.order())).status is RemoteStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("options", "late", "code"),
    [(pair("another secret key, as long as ours"), 0, 1002), (pair(), -3600, 1004), (pair(), 3600, 1003)],
)
def test_an_invalid_token_is_refused(
    rig: Rig, transport: Transport, options: dict[str, SecretStr], late: float, code: int
) -> None:
    provider = account(rig.url, transport, options=options, clock=lambda: time() + late)
    with pytest.raises(ProviderAuthFailed, match=rf"refused our API key \(code {code}\)"):
        provider.check()


@pytest.mark.parametrize("model", [TEXT, IMAGE])
@pytest.mark.parametrize("create_reply", ["drop", "garbage"])
def test_a_create_without_an_answer_is_found_by_our_id(rig: Rig, picture: str, model: str, create_reply: str) -> None:
    rig.misbehave(create_reply=create_reply)
    generation_id = uuid4()
    order = rig.order(model, image_urls=[picture] if model == IMAGE else [])
    with pytest.raises(ProviderOutcomeUnknown):
        rig.submit(order, generation_id=generation_id)

    found = rig.provider.look_up(generation_id)
    assert found is not None
    (task,) = rig.sandbox.tasks(rig.word)
    assert found.remote_id == task.task_id
    state = rig.finish(RemoteRef(found.remote_id, order.routes[0].model))
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
        rig.provider.poll(RemoteRef("no-such-task", "text2video/kling-v2-6"))


def test_a_failed_task(rig: Rig) -> None:
    rig.misbehave(outcome="fail", fail_msg="Risk control")
    state = rig.finish(rig.submit(rig.order()))
    assert state.error_message == "kling_legacy could not generate it: Risk control"


def test_kling_cannot_cancel(rig: Rig) -> None:
    rig.misbehave()
    assert rig.provider.cancel(rig.submit(rig.order())) is Cancellation.IMPOSSIBLE


def test_every_change_of_state_is_called_back_and_a_forged_one_is_refused(rig: Rig) -> None:
    rig.misbehave(callback="forged", seconds=0.4)
    with receiving() as receiver:
        remote = rig.submit(rig.order(), callback_url=receiver.url)
        callbacks = receiver.wait_for(3)
    readings: list[CallbackReading | None] = []
    for callback in callbacks:
        try:
            readings.append(rig.provider.read_callback(callback.headers, callback.body))
        except CallbackRefused:
            readings.append(None)
    assert readings.count(None) == 1
    assert [reading and reading.remote_id for reading in readings].count(remote.remote_id) == 2
