"""The Vertex adapter against the sandbox. The sandbox follows Google's client, not the adapter."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from providers.adapters.vertex.adapter import Vertex
from providers.base import AccountState, Cancellation, ProviderRequest, RemoteRef, RemoteStatus, ResultRequest
from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.models import Model
from providers.files.downloads import open_download
from providers.http.transport import MAX_REPLY_BYTES, Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered
from sandbox.vendors import options
from schemas.enums import ErrorCode, Kind
from schemas.errors import DownloadError
from schemas.provider_errors import ProviderAuthFailed, ProviderRejected
from schemas.setting_groups import ProviderSettings
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY, eventually

CATALOGUE = Catalogue.load(frozenset({"vertex"}))
VEO = "veo-3.1"
TINY = Delivered(width=64, height=64, duration_seconds=1)
LONG = 3600
BUCKET = "gs://films/veo/"


def account(sandbox_url: str, transport: Transport, *, key: str = KEY, **more: str) -> Vertex:
    url = f"{sandbox_url}/vertex"
    told = {name: SecretStr(value) for name, value in {**options("vertex", url), **more}.items()}
    settings = ProviderSettings(api_key=SecretStr(key), base_url=url, options=told)
    return Vertex("vertex", settings, transport)


def bench_of(vertex: Vertex, sandbox: SandboxClient, url: str) -> Rig:
    sandbox.reset()
    return Rig(vertex, CATALOGUE, VEO, sandbox, url, uuid4().hex, TINY)


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    """An account that gets its videos in the answers."""
    with SandboxClient(sandbox_url) as sandbox:
        yield bench_of(account(sandbox_url, transport), sandbox, sandbox_url)


@pytest.fixture
def bucket(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    """An account that has them written into a bucket."""
    with SandboxClient(sandbox_url) as sandbox:
        yield bench_of(account(sandbox_url, transport, storage_uri=BUCKET), sandbox, sandbox_url)


@pytest.fixture
def film(rig: Rig) -> str:
    """A link to a video; the sandbox's other vendor made it."""
    with httpx.Client(base_url=rig.url, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False) as runway:
        create = {"model": "gen4.5", "promptText": rig.word, "ratio": "1280:720", "duration": 2}
        headers = {"X-Runway-Version": "2024-11-06"}
        task_id = runway.post("/runway/v1/text_to_video", json=create, headers=headers).json()["id"]
        link = f"{rig.url}/files/{task_id}.mp4"
        eventually(lambda: runway.get(link).status_code == 200)
    return link


def fetched(rig: Rig, link: str) -> bytes:
    with open_download(rig.provider.result_request(link), DOWNLOADS, kind=Kind.VIDEO) as download:
        return download.read()


def test_an_order_comes_as_base64_and_is_fetched_by_the_read_that_told_of_it(rig: Rig) -> None:
    rig.misbehave()
    order = rig.order()
    link = rig.make(order)
    assert link.startswith(f"{rig.url}/vertex/v1/projects/sandbox-project/locations/us-central1/")
    with open_download(rig.provider.result_request(link), DOWNLOADS, kind=order.kind) as download:
        content = download.read()
    assert download.media.extension == order.file_extension
    assert fetched(rig, link) == content


def test_an_order_is_written_into_the_bucket_and_fetched_with_our_token(bucket: Rig) -> None:
    bucket.misbehave()
    link = bucket.make(bucket.order())
    assert link.startswith(BUCKET)
    wanted = bucket.provider.result_request(link)
    with open_download(wanted, DOWNLOADS, kind=Kind.VIDEO) as download:
        assert len(download.read()) == download.size_bytes
    with pytest.raises(DownloadError, match="HTTP 401"):
        open_download(ResultRequest(wanted.url), DOWNLOADS, kind=Kind.VIDEO)


def test_a_large_video_in_an_answer_is_neither_read_with_the_state_nor_held(rig: Rig) -> None:
    size = 4 * MAX_REPLY_BYTES
    rig.misbehave(delivered={**TINY.model_dump(), "size_bytes": size})
    link = rig.make(rig.order())
    received = 0
    digest = hashlib.sha256()
    with open_download(rig.provider.result_request(link), DOWNLOADS, kind=Kind.VIDEO) as download:
        while chunk := download.read(65536):
            received += len(chunk)
            digest.update(chunk)
        assert (received, download.sha256) == (size, digest.hexdigest())


MODELS = [model for model in CatalogueFile.shipped().models if model.routes[0].provider == "vertex"]


@pytest.mark.parametrize("model", MODELS, ids=[model.name for model in MODELS])
def test_every_choice_that_is_offered_is_taken_with_the_fewest_and_the_most_inputs(
    rig: Rig, picture: str, film: str, model: Model
) -> None:
    rig.misbehave(seconds=LONG)
    can = model.capabilities
    fewest = {"video_urls": [film] * can.min_videos, "generate_audio": False}
    most = {
        "video_urls": [film] * can.max_videos,
        "image_urls": [picture] * can.max_images,
        "seed": can.max_seed,
        "negative_prompt": "haze",
        "generate_audio": True,
    }
    choices = list(product(can.aspect_ratios, can.resolutions, can.durations_seconds))
    for shape, resolution, seconds in choices:
        for inputs in (fewest, most):
            rig.submit(
                rig.order(model.name, aspect_ratio=shape, resolution=resolution, duration_seconds=seconds, **inputs),
                callback_url="https://gw.example/callbacks/1",
            )
    told = [
        {"sampleCount": 1, "aspectRatio": shape, "resolution": resolution, "durationSeconds": seconds, **rest}
        for shape, resolution, seconds in choices
        for rest in (
            {"generateAudio": False},
            {"generateAudio": True, "seed": can.max_seed, "negativePrompt": "haze"},
        )
    ]
    assert [request["parameters"] for request in veo_requests(rig)] == told


def veo_requests(rig: Rig) -> list[dict[str, Any]]:
    """What Veo was asked for."""
    return [task.request for task in rig.sandbox.tasks(rig.word) if task.model.startswith("veo")]


def test_a_video_from_two_pictures_and_its_extension_are_made_and_fetched(rig: Rig, picture: str, film: str) -> None:
    rig.misbehave()
    for order in (
        rig.order("veo-3.1-lite", image_urls=[picture] * 2),
        rig.order("veo-3.1-fast-extend", video_urls=[film]),
    ):
        assert fetched(rig, rig.make(order))
    sent = [set(request["instances"][0]) for request in veo_requests(rig)]
    assert sent == [{"prompt", "image", "lastFrame"}, {"prompt", "video"}]


def test_the_rejection_of_a_wrong_input_quotes_google(rig: Rig) -> None:
    inputs = rig.order().inputs.model_copy(update={"duration_seconds": 5})
    with pytest.raises(ProviderRejected, match=r"HTTP 400: parameters\.durationSeconds: Input should be 4, 6, 7 or 8"):
        rig.provider.submit(
            ProviderRequest("veo-3.1-generate-001", inputs),
            callback_url=None,
            generation_id=uuid4(),
            fence=lambda: None,
        )


@pytest.mark.parametrize(
    ("fail_code", "expected"),
    [
        ("rai", ErrorCode.CONTENT_REJECTED),
        ("3", ErrorCode.PROVIDER_REJECTED),
        ("8", ErrorCode.PROVIDER_UNAVAILABLE),
        ("13", ErrorCode.PROVIDER_FAILED),
    ],
)
def test_a_failed_operation_has_a_reason(rig: Rig, fail_code: str, expected: ErrorCode) -> None:
    rig.misbehave(outcome="fail", fail_code=fail_code, fail_msg="It went wrong")
    state = rig.finish(rig.submit(rig.order()))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, expected)
    assert state.error_message is not None
    assert state.error_message.endswith(": It went wrong")


def test_an_object_that_is_gone_is_a_stale_link(bucket: Rig) -> None:
    bucket.misbehave(download_status=404)
    link = bucket.make(bucket.order())
    with pytest.raises(DownloadError) as caught:
        fetched(bucket, link)
    assert caught.value.is_stale
    assert fetched(bucket, link)


def test_work_cannot_be_stopped(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE
    assert rig.provider.poll(remote).status is RemoteStatus.RUNNING


def test_unknown_work_cannot_be_read(rig: Rig) -> None:
    remote = rig.submit(rig.order())
    with pytest.raises(ProviderRejected, match=r"HTTP 404: The operation .* was not found"):
        rig.provider.poll(RemoteRef(f"{remote.remote_id}x", remote.model))


def test_a_check_says_whether_key_and_project_are_good(rig: Rig, transport: Transport) -> None:
    assert rig.provider.check() == AccountState()
    for wrong in (account(rig.url, transport, key="other"), account(rig.url, transport, project="other")):
        with pytest.raises(ProviderAuthFailed):
            wrong.check()


@pytest.fixture
def service_account(rig: Rig, transport: Transport) -> Rig:
    """The same customer with the key file of its service account."""
    headers = {"Authorization": f"Bearer {KEY}"}
    key = httpx.get(f"{rig.url}/vertex/service_account.json", headers=headers, trust_env=False).text
    vertex = account(rig.url, transport, key=key, storage_uri=BUCKET)
    return Rig(vertex, CATALOGUE, VEO, rig.sandbox, rig.url, rig.word, TINY)


def test_a_service_account_gets_its_own_token_and_all_calls_share_it(service_account: Rig) -> None:
    service_account.misbehave()
    entered = threading.Barrier(4)

    def make(_number: int) -> bytes:
        entered.wait()
        return fetched(service_account, service_account.make(service_account.order()))

    with capture_logs() as lines, ThreadPoolExecutor(4) as threads:
        assert all(threads.map(make, range(4)))
    calls = [line["operation"] for line in lines if line["event"] == "vendor_call"]
    assert (calls.count("token"), calls.count("submit")) == (1, 4)


def test_a_service_account_whose_key_was_withdrawn_is_refused(service_account: Rig) -> None:
    service_account.sandbox.reset()
    with pytest.raises(ProviderAuthFailed, match="vertex gave no access token: invalid_grant"):
        service_account.provider.check()
