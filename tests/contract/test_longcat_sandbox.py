"""The LongCat adapter against the sandbox, and both against the page that describes the wire."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from providers.adapters.longcat.adapter import LongCat
from providers.adapters.longcat.wire import Job, to_body, to_state
from providers.base import AccountState, Cancellation, ProviderRequest, RemoteRef, RemoteStatus
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered
from sandbox.vendors.longcat.models import read_create
from schemas.enums import ErrorCode
from schemas.errors import (
    ProviderAuthFailed,
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
)
from schemas.orders import Inputs
from schemas.settings import ProviderSettings
from tests.contract.bench import DOWNLOADS, Bench
from tests.sandbox.harness import KEY

CATALOGUE = Catalogue.load(frozenset({"longcat"}))
TEXT, IMAGE, CONTINUATION = (
    "longcat-video-text-to-video",
    "longcat-video-image-to-video",
    "longcat-video-continuation",
)
TINY = Delivered(width=64, height=64, duration_seconds=1)
LONG = 3600


def account(base_url: str, transport: Transport, *, key: str = KEY) -> LongCat:
    return LongCat("longcat", ProviderSettings(api_key=SecretStr(key), base_url=base_url), transport)


@pytest.fixture
def bench(sandbox_url: str, transport: Transport) -> Iterator[Bench]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        longcat = account(f"{sandbox_url}/longcat", transport)
        yield Bench(longcat, CATALOGUE, TEXT, sandbox, sandbox_url, uuid4().hex, delivered=TINY)


@pytest.fixture
def at_once(bench: Bench, transport: Transport) -> Bench:
    """An endpoint that answers with the video, and knows no other call."""
    return replace(bench, provider=account(f"{bench.url}/longcat/at-once", transport))


# The least that each model makes, and the most of what changes its words on the wire.
ORDERS: list[tuple[str, dict[str, object]]] = [
    (TEXT, {}),
    (TEXT, {"aspect_ratio": "9:16", "duration_seconds": 10, "fps": 15, "seed": 7, "negative_prompt": "blur"}),
    (IMAGE, {}),
    (IMAGE, {"resolution": "480p", "duration_seconds": 10, "seed": 7, "negative_prompt": "blur"}),
    (CONTINUATION, {}),
    (CONTINUATION, {"resolution": "480p", "duration_seconds": 10, "seed": 7, "negative_prompt": "blur"}),
]


def inputs_of(bench: Bench, model: str, picture: str) -> dict[str, object]:
    """What a model begins with: a picture, or a video that was made before."""
    if model == IMAGE:
        return {"image_urls": [picture]}
    return {"video_urls": [bench.make(bench.order())]} if model == CONTINUATION else {}


def test_every_model_of_the_catalogue_is_ordered_here() -> None:
    names = {card.name for card in CATALOGUE.models() if card.retired_on is None}
    assert names == {model for model, _ in ORDERS}


@pytest.mark.parametrize(("model", "fields"), ORDERS)
def test_an_order_is_made_and_fetched(bench: Bench, picture: str, model: str, fields: dict[str, object]) -> None:
    bench.misbehave()
    order = bench.order(model, **inputs_of(bench, model, picture), **fields)
    request = bench.provider.result_request(bench.make(order))
    with open_download(request, DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes
    assert download.media.extension == order.file_extension


def test_a_video_that_comes_with_the_create_is_fetched(at_once: Bench) -> None:
    at_once.misbehave()
    order = at_once.order()
    request = at_once.provider.result_request(at_once.make(order))
    with open_download(request, DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes


@pytest.mark.parametrize(("fps", "seconds"), [(15, 5), (15, 10), (30, 5), (30, 10)])
def test_what_is_ordered_is_as_long_as_it_should_be(bench: Bench, fps: int, seconds: int) -> None:
    bench.misbehave(seconds=LONG)
    bench.submit(bench.order(fps=fps, duration_seconds=seconds))
    (task,) = bench.sandbox.tasks(bench.word)
    frames = task.request["num_frames"]
    assert isinstance(frames, int)
    assert abs(frames / fps - seconds) < 0.15


def test_a_wrong_input_is_rejected_in_the_services_words(bench: Bench) -> None:
    inputs = bench.order().inputs.model_copy(update={"aspect_ratio": "4:3"})
    with pytest.raises(ProviderRejected, match="HTTP 422: aspect_ratio: Input should be '16:9', "):
        bench.provider.submit(
            ProviderRequest("text-to-video", inputs), callback_url=None, generation_id=uuid4(), fence=lambda: None
        )


def test_an_input_that_cannot_be_fetched_is_the_customers(bench: Bench) -> None:
    with pytest.raises(ProviderRejected) as caught:
        bench.submit(bench.order(IMAGE, image_urls=[f"{bench.url}/files/nothing.png"]))
    assert caught.value.code is ErrorCode.INPUT_UNREADABLE
    assert "[link]" in caught.value.message


@pytest.mark.parametrize(
    ("word", "code"),
    [("content_rejected", ErrorCode.CONTENT_REJECTED), ("out_of_memory", ErrorCode.PROVIDER_FAILED)],
)
def test_a_failed_job(bench: Bench, word: str, code: ErrorCode) -> None:
    bench.misbehave(outcome="fail", fail_code=word, fail_msg="It went wrong")
    state = bench.finish(bench.submit(bench.order()))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, code)
    assert state.error_message == "longcat could not generate it: It went wrong"


@pytest.mark.parametrize(
    ("word", "family", "code"),
    [
        ("content_rejected", ProviderRejected, ErrorCode.CONTENT_REJECTED),
        ("out_of_memory", ProviderOutcomeUnknown, ErrorCode.SUBMIT_OUTCOME_UNKNOWN),
    ],
)
def test_work_that_fails_while_the_create_waits_is_a_refused_create(
    at_once: Bench, word: str, family: type[ProviderError], code: ErrorCode
) -> None:
    at_once.misbehave(outcome="fail", fail_code=word)
    with pytest.raises(ProviderError) as caught:
        at_once.submit(at_once.order())
    assert (type(caught.value), caught.value.code) == (family, code)


def test_a_job_whose_create_was_lost_is_found_by_our_reference(bench: Bench) -> None:
    bench.misbehave(create_reply="drop")
    generation_id = uuid4()
    with pytest.raises(ProviderOutcomeUnknown):
        bench.submit(bench.order(), generation_id=generation_id)
    found = bench.provider.look_up(generation_id)
    assert found is not None
    assert [found.remote_id] == [task.task_id for task in bench.sandbox.tasks(bench.word)]
    assert bench.finish(RemoteRef(found.remote_id, "text-to-video", found.links)).status is RemoteStatus.SUCCEEDED
    assert bench.provider.look_up(uuid4()) is None


def test_a_second_create_with_our_reference_makes_no_second_job(bench: Bench) -> None:
    bench.misbehave(seconds=LONG)
    generation_id = uuid4()
    bench.submit(bench.order(), generation_id=generation_id)
    with pytest.raises(ProviderOutcomeUnknown, match="has a job with our reference already"):
        bench.submit(bench.order(), generation_id=generation_id)
    assert len(bench.sandbox.tasks(bench.word)) == 1


def test_an_endpoint_without_a_search_finds_nothing(at_once: Bench) -> None:
    generation_id = uuid4()
    at_once.misbehave()
    at_once.submit(at_once.order(), generation_id=generation_id)
    assert at_once.provider.look_up(generation_id) is None


def test_work_is_stopped(bench: Bench) -> None:
    bench.misbehave(seconds=LONG)
    remote = bench.submit(bench.order())
    assert bench.provider.cancel(remote) is Cancellation.STOPPED
    assert bench.provider.poll(remote).status is RemoteStatus.CANCELLED
    assert bench.provider.cancel(remote) is Cancellation.STOPPED


def test_work_stops_some_time_after_it_was_asked_to(bench: Bench) -> None:
    bench.misbehave(seconds=LONG, cancel="slow", cancel_seconds=0.2)
    remote = bench.submit(bench.order())
    assert bench.provider.cancel(remote) is Cancellation.REQUESTED
    assert bench.finish(remote).status is RemoteStatus.CANCELLED


def test_finished_work_cannot_be_stopped(bench: Bench) -> None:
    bench.misbehave()
    remote = bench.submit(bench.order())
    bench.finish(remote)
    assert bench.provider.cancel(remote) is Cancellation.IMPOSSIBLE


def test_an_undocumented_state(bench: Bench) -> None:
    bench.misbehave(state_word="pondering")
    remote = bench.submit(bench.order())
    for call in (bench.provider.poll, bench.provider.cancel):
        with pytest.raises(ProviderBadResponse, match="does not document"):
            call(remote)


def test_unknown_work_cannot_be_read_or_stopped(bench: Bench) -> None:
    for call in (bench.provider.poll, bench.provider.cancel):
        with pytest.raises(ProviderRejected, match="HTTP 404: There is no job job-1"):
            call(RemoteRef("job-1", "text-to-video"))


def test_progress_is_told_while_it_runs(bench: Bench) -> None:
    bench.misbehave(seconds=LONG)
    state = bench.provider.poll(bench.submit(bench.order()))
    assert (state.status, state.progress) == (RemoteStatus.QUEUED, 0)


def test_an_account_is_checked(bench: Bench, at_once: Bench, transport: Transport) -> None:
    assert (bench.provider.check(), at_once.provider.check()) == (AccountState(), AccountState())
    for path in ("longcat", "longcat/at-once"):
        with pytest.raises(ProviderAuthFailed):
            account(f"{bench.url}/{path}", transport, key="wrong").check()
    with pytest.raises(ProviderRejected, match="HTTP 404"):
        account(f"{bench.url}/nothing", transport).check()


def documented() -> list[dict[str, Any]]:
    """The JSON of the page's examples, those of a shell among them."""
    page = Path("docs/longcat-endpoint.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:json|console)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [json.loads(found.group()) for block in blocks if (found := re.search(r"\{.*\}", block, re.DOTALL))]


def test_the_creates_of_the_page_are_what_is_sent_and_taken() -> None:
    creates = [example for example in documented() if "prompt" in example]
    models = ["text-to-video", "image-to-video", "continuation"]
    assert len(creates) == len(models)
    for model, create in zip(models, creates, strict=True):
        inputs = Inputs(
            prompt=create["prompt"],
            negative_prompt=create.get("negative_prompt"),
            image_urls=[create["image_url"]] if "image_url" in create else [],
            video_urls=[create["video_url"]] if "video_url" in create else [],
            aspect_ratio=create.get("aspect_ratio"),
            resolution=create["resolution"],
            duration_seconds=round(create["num_frames"] / create["fps"]),
            fps=create["fps"],
            seed=create.get("seed"),
        )
        assert to_body(model, inputs, reference=create["reference"]) == create
        read_create(create)


def test_the_jobs_of_the_page_are_understood() -> None:
    jobs = [Job.model_validate(example) for example in documented() if "status" in example]
    assert [to_state("longcat", job).status for job in jobs] == [
        "queued",
        "succeeded",
        "running",
        "succeeded",
        "failed",
    ]
