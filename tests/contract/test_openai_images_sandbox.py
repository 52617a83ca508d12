"""The adapter of OpenAI's wire for pictures against the sandbox. The sandbox follows OpenAI's client."""

import io
from collections.abc import Iterator
from uuid import uuid4

import av
import pytest
from pydantic import SecretStr

from providers.adapters.openai_images.adapter import OpenAIImages
from providers.adapters.openai_images.wire import to_body
from providers.base import AccountState, Cancellation, ProviderRequest
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered
from schemas.enums import ErrorCode
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRejected,
)
from schemas.setting_groups import ProviderSettings
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY

CATALOGUE = Catalogue.load(frozenset({"openai_images"}))
MODEL = "openai-compatible-image"
GPT_IMAGE, NEWEST = "gpt-image-2.5", "gpt-image-2.6"
SMALL = Delivered(width=64, height=64)


def account(base_url: str, transport: Transport, *, key: str = KEY) -> OpenAIImages:
    return OpenAIImages("openai_images", ProviderSettings(api_key=SecretStr(key), base_url=base_url), transport)


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        pictures = account(f"{sandbox_url}/openai_images", transport)
        yield Rig(pictures, CATALOGUE, MODEL, sandbox, sandbox_url, uuid4().hex, delivered=SMALL)


def test_every_model_of_the_catalogue_is_ordered_here() -> None:
    assert {card.name for card in CATALOGUE.models() if card.retired_on is None} == {MODEL, GPT_IMAGE, NEWEST}


@pytest.mark.parametrize("aspect_ratio", ["1:1", "16:9", "9:16"])
def test_an_order_is_made_and_fetched(rig: Rig, aspect_ratio: str) -> None:
    rig.misbehave()
    order = rig.order(aspect_ratio=aspect_ratio)
    request = rig.provider.result_request(rig.make(order))
    with open_download(request, DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes
    assert download.media.extension == order.file_extension


@pytest.mark.parametrize("output_format", ["png", "jpeg"])
@pytest.mark.parametrize(
    ("model", "aspect_ratio"),
    [
        *((GPT_IMAGE, ratio) for ratio in ("1:1", "3:2", "2:3", "16:9", "9:16")),
        *((NEWEST, ratio) for ratio in ("1:1", "3:2", "2:3")),
    ],
)
def test_the_answer_can_contain_the_image(rig: Rig, model: str, aspect_ratio: str, output_format: str) -> None:
    order = rig.order(model, aspect_ratio=aspect_ratio, output_format=output_format)
    created = rig.provider.submit(
        ProviderRequest(order.routes[0].model, order.inputs),
        callback_url=None,
        generation_id=uuid4(),
        fence=lambda: None,
    )
    assert created.file is not None
    with av.open(io.BytesIO(created.file)) as file:
        stream = file.streams.video[0]
        wide, _, high = aspect_ratio.partition(":")
        assert stream.width / stream.height == pytest.approx(int(wide) / int(high), rel=0.01)
        assert stream.codec_context.name == {"png": "png", "jpeg": "mjpeg"}[output_format]


def test_the_quality_is_ordered_because_the_price_depends_on_it(rig: Rig) -> None:
    order = rig.order(GPT_IMAGE)
    assert to_body(order.routes[0].model, order.inputs)["quality"] == "high"


def test_every_choice_of_the_catalogue_is_tried_here() -> None:
    (card,) = (card for card in CATALOGUE.models() if card.name == MODEL)
    assert card.capabilities is not None
    assert card.capabilities.aspect_ratios == ["1:1", "16:9", "9:16"]


def test_the_rejection_of_a_wrong_input_quotes_the_vendor(rig: Rig) -> None:
    inputs = rig.order().inputs.model_copy(update={"prompt": ""})
    with pytest.raises(ProviderRejected, match="HTTP 400: Invalid value for 'prompt': String should have at least 1"):
        rig.provider.submit(
            ProviderRequest("dall-e-3", inputs), callback_url=None, generation_id=uuid4(), fence=lambda: None
        )


@pytest.mark.parametrize(
    ("word", "family", "code"),
    [
        ("moderation_blocked", ProviderRejected, ErrorCode.CONTENT_REJECTED),
        ("billing_hard_limit_reached", ProviderQuotaExceeded, ErrorCode.PROVIDER_QUOTA_EXCEEDED),
        ("500", ProviderOutcomeUnknown, ErrorCode.SUBMIT_OUTCOME_UNKNOWN),
    ],
)
def test_failed_work_is_a_rejected_create(rig: Rig, word: str, family: type[ProviderError], code: ErrorCode) -> None:
    rig.misbehave(outcome="fail", fail_code=word, fail_msg="It went wrong")
    with pytest.raises(ProviderError) as caught:
        rig.submit(rig.order())
    assert (type(caught.value), caught.value.code) == (family, code)


def test_an_answer_without_an_image_fails_at_once(rig: Rig) -> None:
    rig.misbehave(empty_result=True)
    with pytest.raises(ProviderRejected, match="neither a link to the picture nor the picture itself") as caught:
        rig.submit(rig.order())
    assert caught.value.code is ErrorCode.PROVIDER_FAILED


def test_a_finished_image_cannot_be_cancelled(rig: Rig) -> None:
    rig.misbehave()
    assert rig.provider.cancel(rig.submit(rig.order())) is Cancellation.IMPOSSIBLE


def test_an_account_is_checked(rig: Rig, transport: Transport) -> None:
    assert rig.provider.check() == AccountState()
    with pytest.raises(ProviderAuthFailed):
        account(f"{rig.url}/openai_images", transport, key="wrong").check()
    with pytest.raises(ProviderRejected, match="mostly ends with /v1"):
        account(f"{rig.url}/openai_images/v1", transport).check()
