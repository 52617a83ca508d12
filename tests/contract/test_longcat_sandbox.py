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
from providers.base import AccountState, Cancellation, ProviderRequest, RemoteRef, RemoteState, RemoteStatus
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered
from sandbox.vendors.longcat.models import read_create
from schemas.enums import ErrorCode
from schemas.orders import Inputs
from schemas.provider_errors import ProviderAuthFailed, ProviderError, ProviderOutcomeUnknown, ProviderRejected
from schemas.setting_groups import ProviderSettings
from tests.contract.rig import DOWNLOADS, Rig
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
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        longcat = account(f"{sandbox_url}/longcat", transport)
        yield Rig(longcat, CATALOGUE, TEXT, sandbox, sandbox_url, uuid4().hex, delivered=TINY)


@pytest.fixture
def at_once(rig: Rig, transport: Transport) -> Rig:
    """An endpoint that answers with the video, and knows no other call."""
    return replace(rig, provider=account(f"{rig.url}/longcat/at-once", transport))


# The least that each model makes, and the most of what changes its words on the wire.
ORDERS: list[tuple[str, dict[str, object]]] = [
    (TEXT, {}),
    (TEXT, {"aspect_ratio": "9:16", "duration_seconds": 10, "fps": 15, "seed": 7, "negative_prompt": "blur"}),
    (IMAGE, {}),
    (IMAGE, {"resolution": "480p", "duration_seconds": 10, "seed": 7, "negative_prompt": "blur"}),
    (CONTINUATION, {}),
    (CONTINUATION, {"resolution": "480p", "duration_seconds": 10, "seed": 7, "negative_prompt": "blur"}),
]


def inputs_of(rig: Rig, model: str, picture: str) -> dict[str, object]:
    """What a model begins with: a picture, or a video that was made before."""
    if model == IMAGE:
        return {"image_urls": [picture]}
    return {"video_urls": [rig.make(rig.order())]} if model == CONTINUATION else {}


def test_every_model_of_the_catalogue_is_ordered_here() -> None:
    names = {card.name for card in CATALOGUE.models() if card.retired_on is None}
    assert names == {model for model, _ in ORDERS}


@pytest.mark.parametrize(("model", "fields"), ORDERS)
def test_an_order_is_made_and_fetched(rig: Rig, picture: str, model: str, fields: dict[str, object]) -> None:
    rig.misbehave()
    order = rig.order(model, **inputs_of(rig, model, picture), **fields)
    request = rig.provider.result_request(rig.make(order))
    with open_download(request, DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes
    assert download.media.extension == order.file_extension


def test_a_video_in_the_answer_to_the_create_is_fetched(at_once: Rig) -> None:
    at_once.misbehave()
    order = at_once.order()
    request = at_once.provider.result_request(at_once.make(order))
    with open_download(request, DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes


@pytest.mark.parametrize(("fps", "seconds"), [(15, 5), (15, 10), (30, 5), (30, 10)])
def test_the_result_has_the_ordered_length(rig: Rig, fps: int, seconds: int) -> None:
    rig.misbehave(seconds=LONG)
    rig.submit(rig.order(fps=fps, duration_seconds=seconds))
    (task,) = rig.sandbox.tasks(rig.word)
    frames = task.request["num_frames"]
    assert isinstance(frames, int)
    assert abs(frames / fps - seconds) < 0.15


def test_the_rejection_of_a_wrong_input_quotes_the_service(rig: Rig) -> None:
    inputs = rig.order().inputs.model_copy(update={"aspect_ratio": "4:3"})
    with pytest.raises(ProviderRejected, match="HTTP 422: aspect_ratio: Input should be '16:9', "):
        rig.provider.submit(
            ProviderRequest("text-to-video", inputs), callback_url=None, generation_id=uuid4(), fence=lambda: None
        )


def test_an_input_that_cannot_be_fetched_is_input_unreadable(rig: Rig) -> None:
    with pytest.raises(ProviderRejected) as caught:
        rig.submit(rig.order(IMAGE, image_urls=[f"{rig.url}/files/nothing.png"]))
    assert caught.value.code is ErrorCode.INPUT_UNREADABLE
    assert "[link]" in caught.value.message


@pytest.mark.parametrize(
    ("word", "code"),
    [("content_rejected", ErrorCode.CONTENT_REJECTED), ("out_of_memory", ErrorCode.PROVIDER_FAILED)],
)
def test_a_failed_job(rig: Rig, word: str, code: ErrorCode) -> None:
    rig.misbehave(outcome="fail", fail_code=word, fail_msg="It went wrong")
    state = rig.finish(rig.submit(rig.order()))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, code)
    assert state.error_message == "longcat could not generate it: It went wrong"


@pytest.mark.parametrize(
    ("word", "family", "code"),
    [
        ("content_rejected", ProviderRejected, ErrorCode.CONTENT_REJECTED),
        ("out_of_memory", ProviderOutcomeUnknown, ErrorCode.SUBMIT_OUTCOME_UNKNOWN),
    ],
)
def test_work_that_fails_during_the_create_is_a_rejected_create(
    at_once: Rig, word: str, family: type[ProviderError], code: ErrorCode
) -> None:
    at_once.misbehave(outcome="fail", fail_code=word)
    with pytest.raises(ProviderError) as caught:
        at_once.submit(at_once.order())
    assert (type(caught.value), caught.value.code) == (family, code)


def test_a_create_without_an_answer_is_found_by_our_reference(rig: Rig) -> None:
    rig.misbehave(create_reply="drop")
    generation_id = uuid4()
    with pytest.raises(ProviderOutcomeUnknown):
        rig.submit(rig.order(), generation_id=generation_id)
    found = rig.provider.look_up(generation_id)
    assert found is not None
    assert [found.remote_id] == [task.task_id for task in rig.sandbox.tasks(rig.word)]
    assert rig.finish(RemoteRef(found.remote_id, "text-to-video", found.links)).status is RemoteStatus.SUCCEEDED
    assert rig.provider.look_up(uuid4()) is None


def test_a_second_create_with_our_reference_makes_no_second_job(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    generation_id = uuid4()
    rig.submit(rig.order(), generation_id=generation_id)
    with pytest.raises(ProviderOutcomeUnknown, match="has a job with our reference already"):
        rig.submit(rig.order(), generation_id=generation_id)
    assert len(rig.sandbox.tasks(rig.word)) == 1


def test_an_endpoint_without_a_search_finds_nothing(at_once: Rig) -> None:
    generation_id = uuid4()
    at_once.misbehave()
    at_once.submit(at_once.order(), generation_id=generation_id)
    assert at_once.provider.look_up(generation_id) is None


def test_work_is_stopped(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.STOPPED
    assert rig.provider.poll(remote).status is RemoteStatus.CANCELLED
    assert rig.provider.cancel(remote) is Cancellation.STOPPED


def test_work_stops_some_time_after_a_cancel(rig: Rig) -> None:
    rig.misbehave(seconds=LONG, cancel="slow", cancel_seconds=0.2)
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.REQUESTED
    assert rig.finish(remote).status is RemoteStatus.CANCELLED


def test_finished_work_cannot_be_stopped(rig: Rig) -> None:
    rig.misbehave()
    remote = rig.submit(rig.order())
    rig.finish(remote)
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE


def test_a_status_that_nobody_knows_is_no_news_and_does_not_count_as_stopped(rig: Rig) -> None:
    rig.misbehave(state_word="pondering")
    remote = rig.submit(rig.order())
    assert rig.provider.poll(remote) == RemoteState(RemoteStatus.UNKNOWN, word="pondering")
    assert rig.provider.cancel(remote) is Cancellation.REQUESTED


def test_unknown_work_cannot_be_read_or_stopped(rig: Rig) -> None:
    for call in (rig.provider.poll, rig.provider.cancel):
        with pytest.raises(ProviderRejected, match="HTTP 404: There is no job job-1"):
            call(RemoteRef("job-1", "text-to-video"))


def test_running_work_reports_progress(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    state = rig.provider.poll(rig.submit(rig.order()))
    assert (state.status, state.progress) == (RemoteStatus.QUEUED, 0)


def test_an_account_is_checked(rig: Rig, at_once: Rig, transport: Transport) -> None:
    assert (rig.provider.check(), at_once.provider.check()) == (AccountState(), AccountState())
    for path in ("longcat", "longcat/at-once"):
        with pytest.raises(ProviderAuthFailed):
            account(f"{rig.url}/{path}", transport, key="wrong").check()
    with pytest.raises(ProviderRejected, match="HTTP 404"):
        account(f"{rig.url}/nothing", transport).check()


def documented() -> list[dict[str, Any]]:
    """The JSON of the page's examples, those of a shell among them."""
    page = Path("docs/longcat-endpoint.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:json|console)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [json.loads(found.group()) for block in blocks if (found := re.search(r"\{.*\}", block, re.DOTALL))]


def test_the_creates_in_the_documentation_are_sent_and_accepted() -> None:
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


def test_the_jobs_in_the_documentation_are_read() -> None:
    jobs = [Job.model_validate(example) for example in documented() if "status" in example]
    assert [to_state("longcat", job).status for job in jobs] == [
        "queued",
        "succeeded",
        "running",
        "succeeded",
        "failed",
    ]
