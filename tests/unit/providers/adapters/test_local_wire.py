import base64
import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from providers.adapters.local.adapter import ModelServer
from providers.adapters.local.wire import to_body
from providers.base import (
    AcceptedCreate,
    AccountState,
    Cancellation,
    InputFile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
    ResultRequest,
)
from providers.http.transport import Transport
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused, InvalidSettings
from schemas.orders import Inputs
from schemas.provider_errors import (
    ProviderBadResponse,
    ProviderError,
    ProviderModelGone,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings

PROMPT = "a lighthouse in fog"
PICTURE_URL = "https://media.example/1.png"
PICTURE = InputFile(b"\x89PNG\r\n\x1a\n and more", "image/png")
GENERATION_ID = UUID("8f1c0000-0000-4000-8000-000000000000")
SERVER = "http://gpu-1:8400"
REMOTE = RemoteRef("job-1", "ltx-video")


def account(
    reply: object = None,
    *,
    status: int = 200,
    requests: list[httpx.Request] | None = None,
    options: dict[str, str] | None = None,
) -> ModelServer:
    """An account whose calls all get this JSON as the answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        return httpx.Response(status, json=reply)

    given = {name: SecretStr(value) for name, value in (options or {}).items()}
    settings = ProviderSettings(api_key=SecretStr("sk-key"), base_url=f"{SERVER}/", options=given)
    return ModelServer("gpu_1", settings, Transport(http=httpx.MockTransport(answer)))


def submit(server: ModelServer, model: str = "ltx-video") -> AcceptedCreate:
    inputs = Inputs(prompt=PROMPT, duration_seconds=5)
    return server.submit(
        ProviderRequest(model, inputs),
        callback_url="https://gw.example/callbacks/1",
        generation_id=GENERATION_ID,
        fence=lambda: None,
    )


def job(status: str = "queued", **fields: Any) -> dict[str, Any]:
    return {"id": "job-1", "status": status, "reference": str(GENERATION_ID), **fields}


def problem(code: str, message: str = "told") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def body(model: str, **fields: Any) -> dict[str, object]:
    inputs = Inputs(**{"prompt": PROMPT, **fields})
    return to_body(model, inputs, {PICTURE_URL: PICTURE}, reference="ref-1", callback_url=None)


def test_a_picture_is_sent_as_bytes_and_a_prompt_only_to_what_reads_it() -> None:
    assert body("stable-video", image_urls=[PICTURE_URL], duration_seconds=1, motion=0.5, seed=7) == {
        "pipeline": "stable-video",
        "reference": "ref-1",
        "image": base64.b64encode(PICTURE.content).decode(),
        "num_frames": 25,
        "fps": 25,
        "seed": 7,
        "options": {"motion_bucket_id": 128},
    }
    assert body("sdxl-turbo") == {"pipeline": "sdxl-turbo", "reference": "ref-1", "prompt": PROMPT}


@pytest.mark.parametrize(
    ("model", "seconds", "frames", "fps"),
    [
        ("ltx-video", 1, 25, 25),
        ("ltx-video", 2, 49, 25),
        ("ltx-video", 5, 129, 25),
        ("ltx-video", 6, 153, 25),
        ("wan-2.1", 1, 17, 16),
        ("wan-2.1", 5, 81, 16),
    ],
)
def test_a_length_becomes_the_nearest_legal_number_of_frames(model: str, seconds: int, frames: int, fps: int) -> None:
    written = body(model, duration_seconds=seconds)
    assert (written["num_frames"], written["fps"]) == (frames, fps)


@pytest.mark.parametrize(("motion", "bucket"), [(0, 1), (1, 255)])
def test_motion_spans_the_buckets(motion: float, bucket: int) -> None:
    assert body("stable-video", image_urls=[PICTURE_URL], motion=motion)["options"] == {"motion_bucket_id": bucket}


def test_a_pipeline_of_an_old_order_is_rejected() -> None:
    with pytest.raises(ProviderRejected, match="local's pipeline svd-0 is not served any more"):
        body("svd-0")


def test_a_create_names_our_reference_and_the_url_of_its_callback() -> None:
    requests: list[httpx.Request] = []
    created = submit(account(job(ahead=3), status=202, requests=requests))
    assert created == AcceptedCreate("job-1", ahead=3)
    sent = json.loads(requests[0].content)
    assert (sent["reference"], sent["webhook_url"]) == (str(GENERATION_ID), "https://gw.example/callbacks/1")
    assert str(requests[0].url) == f"{SERVER}/v1/jobs"


def test_a_repeated_create_is_answered_with_the_job() -> None:
    assert submit(account(job("running", progress=0.5), status=200)) == AcceptedCreate("job-1")


@pytest.mark.parametrize(
    ("status", "reply", "family"),
    [
        (409, problem("reference_conflict"), ProviderOutcomeUnknown),
        (404, {"detail": "Not Found"}, ProviderUnavailable),
        (405, {"detail": "Method Not Allowed"}, ProviderUnavailable),
        (422, problem("invalid_request", "pipeline: unknown. Known: svd"), ProviderModelGone),
        (422, problem("invalid_request", "prompt: must not name a pipeline: x"), ProviderRejected),
        (422, problem("invalid_request"), ProviderRejected),
        (413, problem("invalid_request"), ProviderRejected),
        (503, problem("draining"), ProviderUnavailable),
    ],
)
def test_a_refused_create(status: int, reply: object, family: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        submit(account(reply, status=status))
    assert type(caught.value) is family


def test_a_refusal_quotes_the_server() -> None:
    with pytest.raises(ProviderRejected, match="width: must be a multiple of 32; the nearest is 704"):
        submit(account(problem("invalid_request", "width: must be a multiple of 32; the nearest is 704"), status=422))


def state(status: str, **fields: Any) -> RemoteState:
    return account(job(status, **fields)).poll(REMOTE)


def test_states() -> None:
    assert state("queued", ahead=2) == RemoteState(RemoteStatus.QUEUED, ahead=2)
    assert state("loading", progress=0) == RemoteState(RemoteStatus.RUNNING, progress=0)
    assert state("running", progress=0.25) == RemoteState(RemoteStatus.RUNNING, progress=0.25)
    assert state("cancelled") == RemoteState(RemoteStatus.CANCELLED)
    assert state("pondering") == RemoteState(RemoteStatus.UNKNOWN, word="pondering")
    assert state("succeeded", file={"bytes": 1}, seconds=4.5) == RemoteState(
        RemoteStatus.SUCCEEDED, result_urls=[f"{SERVER}/v1/jobs/job-1/file"], provider_seconds=4.5
    )


def test_work_that_a_restart_ended_is_lost_and_so_is_work_that_the_server_does_not_know() -> None:
    assert state("lost") == RemoteState(RemoteStatus.LOST)
    assert state("lost", started_at="2026-12-01T10:00:00.010Z") == RemoteState(RemoteStatus.LOST)
    assert state("lost", started_at=None) == RemoteState(RemoteStatus.LOST, has_begun=False)
    assert account(problem("job_not_found"), status=404).poll(REMOTE) == RemoteState(RemoteStatus.LOST)


def test_a_stray_404_says_nothing_about_the_work() -> None:
    with pytest.raises(ProviderRejected):
        account({"detail": "Not Found"}, status=404).poll(REMOTE)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("out_of_memory", ErrorCode.PROVIDER_REJECTED),
        ("bad_input", ErrorCode.PROVIDER_REJECTED),
        ("content_rejected", ErrorCode.CONTENT_REJECTED),
        ("pipeline_failed", ErrorCode.PROVIDER_FAILED),
        ("timeout", ErrorCode.PROVIDER_FAILED),
        (None, ErrorCode.PROVIDER_FAILED),
    ],
)
def test_codes_of_failed_jobs(word: str | None, code: ErrorCode) -> None:
    found = state("failed", error={"code": word, "message": "it broke"})
    assert (found.status, found.error_code) == (RemoteStatus.FAILED, code)
    assert found.error_message == "gpu_1 could not generate it: it broke"


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        ("cancelled", Cancellation.STOPPED),
        ("running", Cancellation.REQUESTED),
        ("queued", Cancellation.REQUESTED),
        ("pondering", Cancellation.REQUESTED),
        ("succeeded", Cancellation.IMPOSSIBLE),
        ("failed", Cancellation.IMPOSSIBLE),
        ("lost", Cancellation.IMPOSSIBLE),
    ],
)
def test_answers_to_a_cancel(status: str, answer: Cancellation) -> None:
    requests: list[httpx.Request] = []
    assert account(job(status), requests=requests).cancel(REMOTE) is answer
    assert (requests[0].method, requests[0].url.path) == ("DELETE", "/v1/jobs/job-1")


def test_a_cancel_of_a_job_that_the_server_does_not_know() -> None:
    assert account(problem("job_not_found"), status=404).cancel(REMOTE) is Cancellation.IMPOSSIBLE
    with pytest.raises(ProviderRejected):
        account({"detail": "Not Found"}, status=404).cancel(REMOTE)


def test_look_up_refuses_the_jobs_of_others() -> None:
    assert account({"jobs": [job()]}).look_up(GENERATION_ID) == AcceptedCreate("job-1")
    assert account({"jobs": []}).look_up(GENERATION_ID) is None
    for jobs in ([job(), job()], [{**job(), "reference": "another"}]):
        with pytest.raises(ProviderBadResponse):
            account({"jobs": jobs}).look_up(GENERATION_ID)


def test_only_the_file_of_the_server_gets_the_key() -> None:
    own, elsewhere = f"{SERVER}/v1/jobs/job-1/file", "https://media.example/v1/jobs/job-1/file"
    assert account().result_request(own) == ResultRequest(own, headers={"Authorization": "Bearer sk-key"})
    assert account().result_request(elsewhere) == ResultRequest(elsewhere)


def test_a_server_without_pipelines_is_warned_about() -> None:
    assert account({"pipelines": [{"name": "ltx-video"}]}).check() == AccountState()
    assert account({"pipelines": []}).check() == AccountState(warning="the model server has no pipelines")


def test_a_callback_without_a_job_is_refused() -> None:
    assert account().read_callback({}, json.dumps(job("succeeded")).encode()).is_verified is False
    with pytest.raises(CallbackRefused, match="the body is not a job of the model server's"):
        account().read_callback({}, b'{"status": "succeeded"}')


def test_the_time_after_which_silent_work_is_lost_is_an_option() -> None:
    assert account().lost_after_seconds == 60
    assert account(options={"lost_after_seconds": "5"}).lost_after_seconds == 5
    for wrong in ({"lost_after_seconds": "0"}, {"lost_after": "5"}):
        with pytest.raises(InvalidSettings, match="REELWORKS_PROVIDERS__GPU_1__OPTIONS__LOST_AFTER"):
            account(options=wrong)
