"""The adapter of OpenAI's wire for pictures against the sandbox, which was written from OpenAI's client."""

import io
from collections.abc import Iterator
from uuid import uuid4

import av
import pytest
from pydantic import SecretStr

from providers.adapters.openai_images.adapter import OpenAIImages
from providers.base import AccountState, Cancellation, ProviderRequest
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered
from schemas.enums import ErrorCode
from schemas.errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
)
from schemas.settings import ProviderSettings
from tests.contract.bench import DOWNLOADS, Bench
from tests.sandbox.harness import KEY

CATALOGUE = Catalogue.load(frozenset({"openai_images"}))
MODEL = "openai-compatible-image"
GPT_IMAGE = "gpt-image-2.5"
SMALL = Delivered(width=64, height=64)


def account(base_url: str, transport: Transport, *, key: str = KEY) -> OpenAIImages:
    return OpenAIImages("openai_images", ProviderSettings(api_key=SecretStr(key), base_url=base_url), transport)


@pytest.fixture
def bench(sandbox_url: str, transport: Transport) -> Iterator[Bench]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        pictures = account(f"{sandbox_url}/openai_images", transport)
        yield Bench(pictures, CATALOGUE, MODEL, sandbox, sandbox_url, uuid4().hex, delivered=SMALL)


def test_every_model_of_the_catalogue_is_ordered_here() -> None:
    assert {card.name for card in CATALOGUE.models() if card.retired_on is None} == {MODEL, GPT_IMAGE}


@pytest.mark.parametrize("aspect_ratio", ["1:1", "16:9", "9:16"])
def test_an_order_is_made_and_fetched(bench: Bench, aspect_ratio: str) -> None:
    bench.misbehave()
    order = bench.order(aspect_ratio=aspect_ratio)
    request = bench.provider.result_request(bench.make(order))
    with open_download(request, DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes
    assert download.media.extension == order.file_extension


@pytest.mark.parametrize("output_format", ["png", "jpeg"])
@pytest.mark.parametrize("aspect_ratio", ["1:1", "3:2", "2:3", "16:9", "9:16"])
def test_an_order_is_answered_with_the_picture_itself(bench: Bench, aspect_ratio: str, output_format: str) -> None:
    order = bench.order(GPT_IMAGE, aspect_ratio=aspect_ratio, output_format=output_format)
    submission = bench.provider.submit(
        ProviderRequest(order.routes[0].model, order.inputs),
        callback_url=None,
        generation_id=uuid4(),
        fence=lambda: None,
    )
    assert submission.file is not None
    with av.open(io.BytesIO(submission.file)) as file:
        stream = file.streams.video[0]
        wide, _, high = aspect_ratio.partition(":")
        assert stream.width / stream.height == pytest.approx(int(wide) / int(high), rel=0.01)
        assert stream.codec_context.name == {"png": "png", "jpeg": "mjpeg"}[output_format]


def test_every_choice_of_the_catalogue_is_tried_here() -> None:
    (card,) = (card for card in CATALOGUE.models() if card.name == MODEL)
    assert card.capabilities is not None
    assert card.capabilities.aspect_ratios == ["1:1", "16:9", "9:16"]


def test_a_wrong_input_is_rejected_in_the_vendors_words(bench: Bench) -> None:
    inputs = bench.order().inputs.model_copy(update={"prompt": ""})
    with pytest.raises(ProviderRejected, match="HTTP 400: Invalid value for 'prompt': String should have at least 1"):
        bench.provider.submit(
            ProviderRequest("dall-e-3", inputs), callback_url=None, generation_id=uuid4(), fence=lambda: None
        )


@pytest.mark.parametrize(
    ("word", "family", "code"),
    [
        ("moderation_blocked", ProviderRejected, ErrorCode.CONTENT_REJECTED),
        ("billing_hard_limit_reached", ProviderRejected, ErrorCode.PROVIDER_REJECTED),
        ("500", ProviderOutcomeUnknown, ErrorCode.SUBMIT_OUTCOME_UNKNOWN),
    ],
)
def test_work_that_failed_is_a_refused_create(
    bench: Bench, word: str, family: type[ProviderError], code: ErrorCode
) -> None:
    bench.misbehave(outcome="fail", fail_code=word, fail_msg="It went wrong")
    with pytest.raises(ProviderError) as caught:
        bench.submit(bench.order())
    assert (type(caught.value), caught.value.code) == (family, code)


def test_an_answer_without_a_picture_is_unknown(bench: Bench) -> None:
    bench.misbehave(empty_result=True)
    with pytest.raises(ProviderOutcomeUnknown, match="with no picture"):
        bench.submit(bench.order())


def test_a_finished_picture_cannot_be_stopped(bench: Bench) -> None:
    bench.misbehave()
    assert bench.provider.cancel(bench.submit(bench.order())) is Cancellation.IMPOSSIBLE


def test_an_account_is_checked(bench: Bench, transport: Transport) -> None:
    assert bench.provider.check() == AccountState()
    with pytest.raises(ProviderAuthFailed):
        account(f"{bench.url}/openai_images", transport, key="wrong").check()
    with pytest.raises(ProviderRejected, match="mostly ends with /v1"):
        account(f"{bench.url}/openai_images/v1", transport).check()
