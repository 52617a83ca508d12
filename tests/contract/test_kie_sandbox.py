"""The Kie adapter against the sandbox. The sandbox follows Kie's documents, not the adapter."""

import hashlib
from collections.abc import Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from providers.adapters.kie.adapter import Kie
from providers.adapters.kie.market import MARKET
from providers.adapters.kie.wires import wire_of
from providers.base import Cancellation, RemoteStatus, ResultRequest
from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.prices import KnownCost
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply, Scenario
from schemas.enums import ErrorCode
from schemas.errors import DownloadError, WrongFile
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
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY

CATALOGUE = Catalogue.load(frozenset({"kie"}))
# What goes on from earlier videos is in test_kie_extensions_sandbox.py.
MODELS = [card.name for card in CATALOGUE.models() if card.capabilities and not card.capabilities.extends]
COSTS = {model.name: model.costs["kie"] for model in CatalogueFile.shipped().models if "kie" in model.costs}

TINY = Delivered(width=64, height=64, duration_seconds=1)


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        sandbox.lift_limits()
        sandbox.add_scenario(Scenario(seconds=0, delivered=TINY))
        account = ProviderSettings(api_key=SecretStr(KEY), base_url=f"{sandbox_url}/kie")
        yield Rig(Kie("kie", account, transport), CATALOGUE, "nano-banana", sandbox, sandbox_url, uuid4().hex, TINY)


@pytest.mark.parametrize("model", MODELS)
def test_every_model_of_the_catalogue_is_made_and_fetched(rig: Rig, model: str) -> None:
    capabilities = next(card.capabilities for card in CATALOGUE.models() if card.name == model)
    assert capabilities is not None
    order = rig.order(
        model,
        image_urls=[rig.make(rig.order())] * capabilities.max_images,
        video_urls=[rig.make(rig.order("runway-gen-3")) for _ in range(capabilities.max_videos)],
    )
    state = rig.finish(rig.submit(order))
    assert (state.provider_credits is not None) == (wire_of(order.routes[0].model) is MARKET)
    cost = COSTS[model]
    if state.provider_credits is not None and isinstance(cost, KnownCost):
        assert state.provider_credits == cost.of(order.inputs) <= order.credits
    with open_download(ResultRequest(state.result_urls[0]), DOWNLOADS, kind=order.kind) as download:
        body = download.read()
    assert download.media.extension == order.file_extension
    assert (len(body), hashlib.sha256(body).hexdigest()) == (download.size_bytes, download.sha256)


@pytest.mark.parametrize("model", ["nano-banana", "nano-banana-pro"])
def test_a_jpeg_is_ordered_with_the_value_of_each_model(rig: Rig, model: str) -> None:
    order = rig.order(model, output_format="jpeg")
    with open_download(ResultRequest(rig.make(order)), DOWNLOADS, kind=order.kind) as download:
        assert (download.content_type, download.media.extension) == ("image/jpeg", order.file_extension)


REFUSALS = {
    400: ProviderRejected,
    401: ProviderAuthFailed,
    402: ProviderQuotaExceeded,
    404: ProviderRejected,
    408: ProviderUnavailable,
    422: ProviderRejected,
    429: ProviderRateLimited,
    433: ProviderQuotaExceeded,
    451: ProviderRejected,
    455: ProviderUnavailable,
    500: ProviderUnavailable,
    501: ProviderRejected,
    505: ProviderUnavailable,
    799: ProviderOutcomeUnknown,
}


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("http_status", [200, 500])
def test_a_refused_create(rig: Rig, code: int, http_status: int) -> None:
    refusal = ErrorReply(code=code, msg="no", http_status=http_status, retry_after=3)
    rig.misbehave(create_error=refusal)
    with pytest.raises(ProviderError) as caught:
        rig.submit(rig.order())
    assert type(caught.value) is REFUSALS[code]
    assert caught.value.retry_after == (None if code == 799 else 3)
    assert rig.sandbox.tasks(rig.word) == []


def test_an_input_image_that_cannot_be_fetched(rig: Rig) -> None:
    order = rig.order("kling-2.6-image-to-video", image_urls=[f"{rig.url}/files/nothing.png"])
    with pytest.raises(ProviderRejected) as caught:
        rig.submit(order)
    assert caught.value.code is ErrorCode.INPUT_UNREADABLE
    assert caught.value.message == (
        "kie could not fetch an input image (code 451): Failed to fetch the image [link] HTTP 404"
    )


@pytest.mark.parametrize(
    ("fail_code", "expected"),
    [
        ("500", ErrorCode.PROVIDER_FAILED),
        ("422", ErrorCode.PROVIDER_REJECTED),
        ("451", ErrorCode.INPUT_UNREADABLE),
        ("what?", ErrorCode.PROVIDER_FAILED),
    ],
)
def test_a_failed_task(rig: Rig, fail_code: str, expected: ErrorCode) -> None:
    rig.misbehave(outcome="fail", fail_code=fail_code, fail_msg="It went wrong")
    state = rig.finish(rig.submit(rig.order()))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, expected)
    assert state.error_message == f"kie could not generate it (code {fail_code}): It went wrong"


def test_a_cut_download_is_resumed(rig: Rig) -> None:
    rig.misbehave(cut_after_bytes=100, cut_times=2)
    order = rig.order()
    with open_download(ResultRequest(rig.make(order)), DOWNLOADS, kind=order.kind) as download:
        body = download.read()
    assert (download.resumes, len(body)) == (2, download.size_bytes)


def test_an_expired_link_is_stale(rig: Rig) -> None:
    rig.misbehave(download_status=403)
    order = rig.order()
    with pytest.raises(DownloadError) as caught:
        open_download(ResultRequest(rig.make(order)), DOWNLOADS, kind=order.kind)
    assert caught.value.is_stale


def test_a_web_page_in_place_of_an_image_is_the_wrong_file(rig: Rig) -> None:
    rig.misbehave(download_body="html")
    order = rig.order()
    with pytest.raises(WrongFile):
        open_download(ResultRequest(rig.make(order)), DOWNLOADS, kind=order.kind)


def test_kie_cannot_cancel(rig: Rig) -> None:
    assert rig.provider.cancel(rig.submit(rig.order())) is Cancellation.IMPOSSIBLE
