import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from providers.adapters.longcat.adapter import LongCat
from providers.adapters.longcat.wire import Job, to_body, to_state
from providers.base import (
    AcceptedCreate,
    AccountState,
    Cancellation,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
    ResultRequest,
)
from providers.http.transport import Transport
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused
from schemas.orders import Inputs
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings

PROMPT = "a lighthouse in fog"
TEXT, IMAGE, CONTINUATION = "text-to-video", "image-to-video", "continuation"
PICTURE_URL, VIDEO_URL = "https://media.example/1.png", "https://media.example/1.mp4"
INPUTS = Inputs(prompt=PROMPT, aspect_ratio="16:9", duration_seconds=5, fps=30)
GENERATION_ID = UUID("8f1c0000-0000-4000-8000-000000000000")
ENDPOINT = "https://gpu.example/longcat"
LINK = "https://media.example/1.mp4?sig=a%2Fb"
REMOTE = RemoteRef("job-1", TEXT)


def account(
    reply: object = None, *, status: int = 200, requests: list[httpx.Request] | None = None, **limits: float
) -> LongCat:
    """An account whose calls all get this JSON as the answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        return httpx.Response(status, json=reply)

    settings = ProviderSettings(api_key=SecretStr("sk-key"), base_url=f"{ENDPOINT}/", **limits)
    return LongCat("mygpu", settings, Transport(http=httpx.MockTransport(answer)))


def submit(longcat: LongCat) -> AcceptedCreate:
    return longcat.submit(
        ProviderRequest(TEXT, INPUTS),
        callback_url="https://gw.example/callbacks/1",
        generation_id=GENERATION_ID,
        fence=lambda: None,
    )


def job(status: str = "queued", **fields: Any) -> dict[str, Any]:
    return {"id": "job-1", "status": status, **fields}


def problem(code: object = None, message: object = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def state_of(status: str, **fields: Any) -> RemoteState:
    return to_state("mygpu", Job.model_validate(job(status, **fields)))


def body(model: str, **fields: object) -> dict[str, object]:
    return to_body(model, INPUTS.model_copy(update=fields), reference="ref-1")


def test_a_video_from_text() -> None:
    assert body(TEXT, seed=7, negative_prompt="blur") == {
        "prompt": PROMPT,
        "negative_prompt": "blur",
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "num_frames": 149,
        "fps": 30,
        "seed": 7,
        "reference": "ref-1",
    }


def test_a_video_from_an_image_has_its_aspect_ratio() -> None:
    assert body(IMAGE, image_urls=[PICTURE_URL], resolution="480p", aspect_ratio=None) == {
        "prompt": PROMPT,
        "image_url": PICTURE_URL,
        "resolution": "480p",
        "num_frames": 73,
        "fps": 15,
        "reference": "ref-1",
    }


def test_a_continuation_names_its_video() -> None:
    assert body(CONTINUATION, video_urls=[VIDEO_URL], resolution="720p", aspect_ratio=None) == {
        "prompt": PROMPT,
        "video_url": VIDEO_URL,
        "resolution": "720p",
        "num_frames": 149,
        "fps": 30,
        "reference": "ref-1",
    }


@pytest.mark.parametrize(
    ("seconds", "fps", "frames"), [(5, 15, 73), (5, 30, 149), (10, 15, 149), (10, 30, 301), (1, 15, 13), (4, 15, 61)]
)
def test_frames_are_a_multiple_of_four_plus_one(seconds: int, fps: int, frames: int) -> None:
    assert body(TEXT, duration_seconds=seconds, fps=fps)["num_frames"] == frames


def test_an_old_order_of_an_unsupported_model_is_rejected() -> None:
    with pytest.raises(ProviderRejected, match="avatar is not served any more"):
        body("avatar")


def test_the_create_request() -> None:
    requests: list[httpx.Request] = []
    submit(account(job(), requests=requests))
    (request,) = requests
    assert (request.method, str(request.url)) == ("POST", ENDPOINT)
    assert request.headers["authorization"] == "Bearer sk-key"
    assert json.loads(request.content) == to_body(TEXT, INPUTS, reference=str(GENERATION_ID))


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("word", ["queued", "running", "failed", "cancelled", "a new word"])
def test_a_create_with_an_id_is_accepted_in_any_state(status: int, word: str) -> None:
    assert submit(account(job(word, video={"url": LINK}), status=status)) == AcceptedCreate("job-1")


@pytest.mark.parametrize(("job_id", "kept"), [("job-1", "job-1"), (None, str(GENERATION_ID))])
def test_a_video_in_the_answer_to_the_create_is_kept(job_id: str | None, kept: str) -> None:
    accepted = submit(account({"id": job_id, "status": "succeeded", "video": {"url": LINK}}))
    assert accepted.remote_id == kept
    assert LINK not in repr(accepted)
    requests: list[httpx.Request] = []
    longcat = account(requests=requests)
    remote = RemoteRef(kept, TEXT, accepted.links)
    assert longcat.poll(remote) == RemoteState(RemoteStatus.SUCCEEDED, result_urls=[LINK])
    assert longcat.cancel(remote) is Cancellation.IMPOSSIBLE
    assert requests == []


@pytest.mark.parametrize("url", [None, "", "javascript:1", 7])
def test_a_finished_job_with_an_unusable_link_counts_as_unfinished(url: object) -> None:
    assert submit(account(job("succeeded", video={"url": url}))) == AcceptedCreate("job-1")


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (200, {}),
        (200, []),
        (200, {"status": "queued"}),
        (200, {"status": "running", "video": {"url": LINK}}),
        (200, {**job(), "id": ""}),
        (200, {**job(), "id": ".."}),
        (200, {**job(), "id": "a/b"}),
        (200, {**job(), "id": "a?b"}),
        (200, {**job(), "id": "v" * 201}),
        (302, job()),
        (400, job("failed")),
        (409, problem("reference_taken", "There is one")),
        (500, problem("internal_error", "no")),
    ],
)
def test_a_create_that_may_have_been_accepted_is_an_unknown_outcome(status: int, reply: object) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(account(reply, status=status))


@pytest.mark.parametrize(
    ("status", "word", "family", "code"),
    [
        (422, "content_rejected", ProviderRejected, ErrorCode.CONTENT_REJECTED),
        (422, "input_unreadable", ProviderRejected, ErrorCode.INPUT_UNREADABLE),
        (422, "invalid_input", ProviderRejected, ErrorCode.PROVIDER_REJECTED),
        (400, "a new word", ProviderRejected, ErrorCode.PROVIDER_REJECTED),
        (401, "unauthorized", ProviderAuthFailed, ErrorCode.PROVIDER_AUTH_FAILED),
        (404, None, ProviderUnavailable, ErrorCode.PROVIDER_UNAVAILABLE),
        (405, None, ProviderUnavailable, ErrorCode.PROVIDER_UNAVAILABLE),
        (503, "busy", ProviderUnavailable, ErrorCode.PROVIDER_UNAVAILABLE),
    ],
)
def test_a_refused_create(status: int, word: str | None, family: type[ProviderError], code: ErrorCode) -> None:
    with pytest.raises(ProviderError) as caught:
        submit(account(problem(word, "no"), status=status))
    assert (type(caught.value), caught.value.code) == (family, code)


def test_the_text_of_a_rejection_is_quoted_without_secrets() -> None:
    text = f"'{PROMPT}' is dull, see https://x.example/sk-key\nnow"
    with pytest.raises(ProviderRejected) as caught:
        submit(account(problem("invalid_input", text), status=422))
    assert caught.value.message == "mygpu answered submit with HTTP 422: '[…]' is dull, see [link] now"


@pytest.mark.parametrize(
    ("reply", "code", "message"),
    [
        (
            {"status": "failed", "error": {"message": "no"}},
            ErrorCode.PROVIDER_FAILED,
            "mygpu could not generate it: no",
        ),
        ({"status": "ERROR", "error": ["no"]}, ErrorCode.PROVIDER_FAILED, "mygpu could not generate it: no"),
        ({"status": "succeeded"}, ErrorCode.PROVIDER_FAILED, "mygpu reported success without a result"),
        (problem("content_rejected", "no"), ErrorCode.CONTENT_REJECTED, "mygpu answered submit with an error: no"),
        ({"detail": "no"}, ErrorCode.PROVIDER_FAILED, "mygpu answered submit with an error: no"),
    ],
)
def test_a_create_that_is_answered_with_its_failure_is_rejected(reply: object, code: ErrorCode, message: str) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account(reply))
    assert (caught.value.code, caught.value.message) == (code, message)


def test_a_rejection_does_not_repeat_the_prompt() -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account({"status": "succeeded", "video": f"a film of {PROMPT}"}))
    assert caught.value.message == ("mygpu reported success with a result that is no link to a file: a film of […]")


@pytest.mark.parametrize("reply", [{"error": "no"}, {"detail": "no"}, {"detail": [{"msg": "no"}]}, problem(7, "no")])
def test_a_rejection_with_a_text_in_another_form(reply: object) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account(reply, status=400))
    assert caught.value.message == "mygpu answered submit with HTTP 400: no"


@pytest.mark.parametrize("reply", [{}, {"error": None}, problem()])
def test_a_rejection_without_a_text(reply: object) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account(reply, status=400))
    assert caught.value.message == "mygpu answered submit with HTTP 400"


def test_a_create_has_a_longer_time_limit_than_a_read() -> None:
    requests: list[httpx.Request] = []
    longcat = account(job(), requests=requests)
    submit(longcat)
    longcat.poll(REMOTE)
    submit(account(job(), requests=requests, timeout_seconds=20))
    assert [request.extensions["timeout"]["read"] for request in requests] == [300, 30, 20]


def test_a_poll_reads_one_job() -> None:
    requests: list[httpx.Request] = []
    longcat = account(job("succeeded", video={"url": LINK}), requests=requests)
    assert longcat.poll(REMOTE) == RemoteState(RemoteStatus.SUCCEEDED, result_urls=[LINK])
    assert [(request.method, str(request.url)) for request in requests] == [("GET", f"{ENDPOINT}/job-1")]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({}, ProviderUnavailable),
        ({"error": "busy"}, ProviderUnavailable),
        ({**job(), "id": "job-2"}, ProviderBadResponse),
    ],
)
def test_a_read_without_a_usable_job(reply: object, expected: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        account(reply).poll(REMOTE)
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("progress", "fraction"),
    [(0, 0), (0.33, 0.33), (1, 1), (None, None), (-0.1, None), (33, None), ("0.33", 0.33), (True, None)],
)
def test_progress_is_a_fraction_where_there_is_one(progress: object, fraction: float | None) -> None:
    assert state_of("running", progress=progress) == RemoteState(RemoteStatus.RUNNING, progress=fraction)
    assert state_of("queued", progress=progress).progress == fraction


@pytest.mark.parametrize("fields", [{}, {"video": None}, {"video": {}}, {"video": {"url": ""}}])
def test_a_success_without_a_video_is_a_failure(fields: dict[str, Any]) -> None:
    state = state_of("succeeded", **fields)
    assert (state.status, state.error_message) == (RemoteStatus.FAILED, "mygpu reported success without a result")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"code": "content_rejected", "message": "Blocked"}, ErrorCode.CONTENT_REJECTED, "Blocked"),
        ({"code": "input_unreadable", "message": "No picture"}, ErrorCode.INPUT_UNREADABLE, "No picture"),
        ({"code": "out_of_memory", "message": "It broke"}, ErrorCode.PROVIDER_FAILED, "It broke"),
        ({"code": "out_of_memory"}, ErrorCode.PROVIDER_FAILED, "no reason given"),
        ({}, ErrorCode.PROVIDER_FAILED, "no reason given"),
        ("broken", ErrorCode.PROVIDER_FAILED, "broken"),
        (None, ErrorCode.PROVIDER_FAILED, "no reason given"),
    ],
)
def test_a_failure_and_its_reason(error: object, code: ErrorCode, message: str) -> None:
    state = state_of("failed", error=error)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, code)
    assert state.error_message == f"mygpu could not generate it: {message}"


def test_a_look_up_searches_by_our_reference() -> None:
    requests: list[httpx.Request] = []
    found = job("running", reference=str(GENERATION_ID))
    assert account({"jobs": [found]}, requests=requests).look_up(GENERATION_ID) == AcceptedCreate("job-1")
    assert [(request.method, str(request.url)) for request in requests] == [
        ("GET", f"{ENDPOINT}?reference={GENERATION_ID}")
    ]


def test_a_look_up_of_a_finished_job_returns_its_video() -> None:
    found = account({"jobs": [{"status": "succeeded", "video": {"url": LINK}}]}).look_up(GENERATION_ID)
    assert found is not None
    assert found.remote_id == str(GENERATION_ID)
    state = account().poll(RemoteRef(found.remote_id, TEXT, found.links))
    assert state.result_urls == [LINK]


@pytest.mark.parametrize(
    ("status", "reply"), [(200, {"jobs": []}), (404, {"detail": "Not Found"}), (404, problem()), (405, None)]
)
def test_a_look_up_without_a_job_or_a_search_finds_nothing(status: int, reply: object) -> None:
    assert account(reply, status=status).look_up(GENERATION_ID) is None


@pytest.mark.parametrize("jobs", [[job(reference="another's")], [job(), job(id="job-2")], [{"status": "running"}]])
def test_a_look_up_refuses_other_jobs(jobs: object) -> None:
    with pytest.raises(ProviderBadResponse):
        account({"jobs": jobs}).look_up(GENERATION_ID)


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("queued", Cancellation.REQUESTED),
        ("running", Cancellation.REQUESTED),
        ("succeeded", Cancellation.IMPOSSIBLE),
        ("failed", Cancellation.IMPOSSIBLE),
        ("cancelled", Cancellation.STOPPED),
    ],
)
def test_the_outcomes_of_a_cancel(word: str, answer: Cancellation) -> None:
    requests: list[httpx.Request] = []
    assert account(job(word), requests=requests).cancel(REMOTE) is answer
    assert [(request.method, str(request.url)) for request in requests] == [("DELETE", f"{ENDPOINT}/job-1")]


def test_a_service_without_a_cancel_call_is_impossible_to_cancel() -> None:
    assert account({"detail": "Method Not Allowed"}, status=405).cancel(REMOTE) is Cancellation.IMPOSSIBLE


@pytest.mark.parametrize(("status", "reply"), [(200, {"jobs": []}), (404, problem("not_found")), (405, None)])
def test_a_check_succeeds_with_and_without_a_search(status: int, reply: object) -> None:
    assert account(reply, status=status).check() == AccountState()


def test_a_check_of_a_wrong_address_is_refused() -> None:
    with pytest.raises(ProviderRejected, match="HTTP 404"):
        account({"detail": "Not Found"}, status=404).check()


def test_our_key_is_sent_only_to_the_endpoint() -> None:
    link = f"{ENDPOINT}/job-1/video.mp4"
    assert account().result_request(link) == ResultRequest(link, headers={"Authorization": "Bearer sk-key"})
    assert account().result_request(LINK) == ResultRequest(LINK)


def test_callbacks_are_refused() -> None:
    with pytest.raises(CallbackRefused):
        account().read_callback({}, json.dumps(job()).encode())


@pytest.mark.parametrize("status", ["queued", "running", "pondering", "failed"])
def test_a_picture_in_the_answer_of_unfinished_work_is_not_the_video(status: str) -> None:
    preview = f"data:image/png;base64,{'AAAA' * 500}"
    assert not submit(account({"id": "j1", "status": status, "preview": preview})).is_finished
