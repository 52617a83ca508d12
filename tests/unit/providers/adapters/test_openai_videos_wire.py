import base64
from email import message_from_bytes
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from providers.adapters.openai_videos.adapter import OpenAIVideos
from providers.adapters.openai_videos.wire import Video, original_id, to_form, to_state
from providers.base import AccountState, Cancellation, ProviderRequest, RemoteRef, RemoteState, RemoteStatus
from providers.http.transport import Transport
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused
from schemas.orders import Inputs
from schemas.provider_errors import (
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings

PROMPT = "a lighthouse in fog"
INPUTS = Inputs(prompt=PROMPT, aspect_ratio="16:9", resolution="720p", duration_seconds=8)
REMOTE = RemoteRef("video_123", "sora-2")
BASE_URL = "https://gw.example/v1"
CONTENT_URL = f"{BASE_URL}/videos/video_123/content"


def account(reply: object = None, *, status: int = 200, requests: list[httpx.Request] | None = None) -> OpenAIVideos:
    """An account whose calls all get this JSON as the answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        return httpx.Response(status, json=reply)

    settings = ProviderSettings(api_key=SecretStr("sk-key"), base_url=f"{BASE_URL}/")
    return OpenAIVideos("mygateway", settings, Transport(http=httpx.MockTransport(answer)))


def submit(videos: OpenAIVideos) -> str:
    request = ProviderRequest("sora-2", INPUTS)
    return videos.submit(
        request, callback_url="https://gw.example/callbacks/1", generation_id=uuid4(), fence=lambda: None
    ).remote_id


def video(status: str = "queued", **fields: Any) -> dict[str, Any]:
    return {"id": "video_123", "object": "video", "status": status, "progress": 0, "error": None, **fields}


def state_of(status: str, **fields: Any) -> RemoteState:
    return to_state("mygateway", Video.model_validate(video(status, **fields)), content_url=CONTENT_URL)


def problem(message: object = None, code: object = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


@pytest.mark.parametrize(
    ("aspect_ratio", "resolution", "size"),
    [
        ("16:9", "720p", "1280x720"),
        ("9:16", "720p", "720x1280"),
        ("16:9", "1080p", "1920x1080"),
        ("9:16", "1080p", "1080x1920"),
    ],
)
def test_sizes(aspect_ratio: str, resolution: str, size: str) -> None:
    inputs = INPUTS.model_copy(update={"aspect_ratio": aspect_ratio, "resolution": resolution})
    assert to_form("sora-2", inputs) == {"model": "sora-2", "prompt": PROMPT, "size": size, "seconds": "8"}


def test_omitted_inputs_are_not_sent() -> None:
    assert "seconds" not in to_form("sora-2", INPUTS.model_copy(update={"duration_seconds": None}))


@pytest.mark.parametrize("fields", [{"resolution": "480p"}, {"aspect_ratio": "1:1"}, {"resolution": None}])
def test_an_unknown_size_is_rejected(fields: dict[str, Any]) -> None:
    with pytest.raises(ProviderRejected):
        to_form("sora-2", INPUTS.model_copy(update=fields))


def test_the_create_request() -> None:
    requests: list[httpx.Request] = []
    assert submit(account(video(), requests=requests)) == "video_123"
    (request,) = requests
    assert (request.method, str(request.url)) == ("POST", f"{BASE_URL}/videos")
    assert request.headers["authorization"] == "Bearer sk-key"
    head = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n"
    form = {
        str(part.get_param("name", header="Content-Disposition")): part.get_payload()
        for part in message_from_bytes(head + request.content).walk()
        if not part.is_multipart()
    }
    assert form == {"model": "sora-2", "prompt": PROMPT, "seconds": "8", "size": "1280x720"}


def test_a_read_is_of_one_video_and_its_result_lies_at_the_gateway() -> None:
    requests: list[httpx.Request] = []
    videos = account(video("completed", progress=100), requests=requests)
    assert videos.poll(REMOTE).result_urls == [CONTENT_URL]
    assert [(request.method, str(request.url)) for request in requests] == [("GET", f"{BASE_URL}/videos/video_123")]


def test_our_key_is_sent_only_to_the_gateway() -> None:
    videos = account()
    assert videos.result_request(CONTENT_URL).headers == {"Authorization": "Bearer sk-key"}
    assert videos.result_request("https://gw.example/files/1.mp4").headers == {}


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("word", ["queued", "in_progress", "completed", "failed", "a new word"])
def test_a_create_with_an_id_is_accepted_in_any_state(status: int, word: str) -> None:
    assert submit(account(video(word), status=status)) == "video_123"


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (200, {}),
        (200, []),
        (200, {**video(), "id": ""}),
        (200, {**video(), "id": ".."}),
        (200, {**video(), "id": "a/b"}),
        (200, {**video(), "id": "v" * 501}),
        (302, video()),
        (400, video("failed")),
        (500, video()),
        (500, problem("The server had an error", "server_error")),
    ],
)
def test_a_create_that_may_have_been_accepted_is_an_unknown_outcome(status: int, reply: object) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(account(reply, status=status))


REFUSALS: list[tuple[int, str | None, type[ProviderError], ErrorCode]] = [
    (400, "moderation_blocked", ProviderRejected, ErrorCode.CONTENT_REJECTED),
    (400, "invalid_value", ProviderRejected, ErrorCode.PROVIDER_REJECTED),
    (400, None, ProviderRejected, ErrorCode.PROVIDER_REJECTED),
    (404, "model_not_found", ProviderUnavailable, ErrorCode.PROVIDER_UNAVAILABLE),
]


@pytest.mark.parametrize(("status", "word", "family", "code"), REFUSALS)
def test_a_refused_create(status: int, word: str | None, family: type[ProviderError], code: ErrorCode) -> None:
    with pytest.raises(ProviderError) as caught:
        submit(account(problem("no", word), status=status))
    assert (type(caught.value), caught.value.code) == (family, code)


def test_an_empty_account_is_no_rate_limit_though_both_are_a_429() -> None:
    error = {**problem("no", "credit_balance_exhausted")["error"], "type": "insufficient_quota"}
    with pytest.raises(ProviderQuotaExceeded):
        submit(account({"error": error}, status=429))
    with pytest.raises(ProviderRateLimited):
        submit(account(problem("slow down", "rate_limit_exceeded"), status=429))


@pytest.mark.parametrize("word", [7, "7", None])
def test_the_text_of_a_rejection_is_quoted_without_secrets(word: object) -> None:
    text = f"'{PROMPT}' is dull, see https://x.example/sk-key\nnow"
    with pytest.raises(ProviderRejected) as caught:
        submit(account(problem(text, word), status=400))
    assert caught.value.message == "mygateway answered submit with HTTP 400: '[…]' is dull, see [link] now"


def test_a_refusal_by_policy_says_so_and_why() -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account(problem("Your request was blocked", "moderation_blocked"), status=400))
    assert caught.value.message == "mygateway refused it by its content policy (HTTP 400): Your request was blocked"


@pytest.mark.parametrize(
    "reply",
    [
        {"error": "no"},
        problem(["no"]),
        {"detail": "no"},
        {"detail": [{"loc": ["body", "prompt"], "msg": "no", "type": "missing", "input": {"prompt": PROMPT}}]},
    ],
)
def test_a_rejection_with_a_text_in_another_form(reply: object) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account(reply, status=400))
    assert caught.value.message == "mygateway answered submit with HTTP 400: no"


@pytest.mark.parametrize("reply", [{}, {"error": None}, problem(), "no", None])
def test_a_rejection_without_a_text(reply: object) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account(reply, status=400))
    assert caught.value.message == "mygateway answered submit with HTTP 400"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({}, ProviderUnavailable),
        ({"error": "busy"}, ProviderUnavailable),
        ({**video(), "id": "video_124"}, ProviderBadResponse),
    ],
)
def test_a_read_without_a_usable_video(reply: object, expected: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        account(reply).poll(REMOTE)
    assert type(caught.value) is expected


def test_a_video_that_the_gateway_does_not_know_is_not_a_gateway_that_is_gone() -> None:
    with pytest.raises(ProviderRejected, match="HTTP 404: Video with id 'video_123' not found"):
        account(problem("Video with id 'video_123' not found."), status=404).poll(REMOTE)


@pytest.mark.parametrize(
    ("progress", "fraction"),
    [(0, 0), (33, 0.33), (100, 1), (None, None), (-1, None), (101, None), ("33", 0.33), ("33%", 0.33)],
)
def test_progress_is_a_fraction_where_there_is_one(progress: object, fraction: float | None) -> None:
    assert state_of("in_progress", progress=progress) == RemoteState(RemoteStatus.RUNNING, progress=fraction)
    assert state_of("queued", progress=progress).progress == fraction


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"code": "moderation_blocked", "message": "Blocked"}, ErrorCode.CONTENT_REJECTED, "Blocked"),
        ({"code": "server_error", "message": "It broke"}, ErrorCode.PROVIDER_FAILED, "It broke"),
        ({"code": "server_error"}, ErrorCode.PROVIDER_FAILED, "no reason given"),
        ({}, ErrorCode.PROVIDER_FAILED, "no reason given"),
        ("broken", ErrorCode.PROVIDER_FAILED, "broken"),
        (["broken", {"msg": "badly"}], ErrorCode.PROVIDER_FAILED, "broken; badly"),
        (None, ErrorCode.PROVIDER_FAILED, "no reason given"),
    ],
)
def test_a_failure_and_its_reason(error: object, code: ErrorCode, message: str) -> None:
    state = state_of("failed", error=error)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, code)
    assert state.error_message == f"mygateway could not generate it: {message}"


def wrapped(video_id: str, *, model: str) -> str:
    """An id as LiteLLM's proxy writes it."""
    names = f"litellm:custom_llm_provider:openai;model_id:{model};video_id:{video_id}"
    return "video_" + base64.b64encode(names.encode()).decode()


def test_a_proxys_ids_are_of_one_video_though_they_differ() -> None:
    created, read = wrapped("video_1", model="sora-2"), wrapped("video_1", model="")
    assert account(video(id=read)).poll(RemoteRef(created, "sora-2")).status is RemoteStatus.QUEUED
    with pytest.raises(ProviderBadResponse):
        account(video(id=wrapped("video_2", model=""))).poll(RemoteRef(created, "sora-2"))


@pytest.mark.parametrize("video_id", ["video_123", "video_abcd", "video_aGVsbG8=", "video_/w==", "é", ""])
def test_an_id_that_nobody_wrapped_is_the_original(video_id: str) -> None:
    assert original_id(video_id) == video_id


def test_a_check_lists_one_video() -> None:
    requests: list[httpx.Request] = []
    videos = account({"object": "list", "data": [video()], "has_more": True}, requests=requests)
    assert videos.check() == AccountState()
    assert str(requests[0].url) == f"{BASE_URL}/videos?limit=1"


def test_a_check_of_a_wrong_address_suggests_the_usual_ending() -> None:
    with pytest.raises(ProviderRejected, match="mostly ends with /v1"):
        account({"detail": "Not Found"}, status=404).check()


def test_look_ups_cancels_and_callbacks_are_unsupported() -> None:
    requests: list[httpx.Request] = []
    videos = account(video(), requests=requests)
    assert videos.look_up(uuid4()) is None
    assert videos.cancel(REMOTE) is Cancellation.IMPOSSIBLE
    with pytest.raises(CallbackRefused):
        videos.read_callback({}, b'{"id": "video_123"}')
    assert requests == []


@pytest.mark.parametrize(
    ("answered", "url"),
    [
        ({"url": "https://bucket.example/1.mp4?sig=x"}, "https://bucket.example/1.mp4?sig=x"),
        ({"video_url": "/files/1.mp4"}, "/files/1.mp4"),
        ({"url": "", "video_url": None}, CONTENT_URL),
        ({"url": "gs://films/1.mp4"}, CONTENT_URL),
        ({"url": "pending", "video_url": "https://bucket.example/1.mp4"}, "https://bucket.example/1.mp4"),
        ({}, CONTENT_URL),
    ],
)
def test_a_link_in_the_status_wins_over_content(answered: dict[str, object], url: str) -> None:
    assert state_of("completed", **answered).result_urls == [url]


@pytest.mark.parametrize(
    "answer",
    [
        {"code": "success", "message": "task submitted", "data": {"task_id": "abc"}},
        {"message": "task submitted"},
        {"task_id": "abc", "error": "a warning"},
        {"detail": "submitted", "queue": 3},
        {"detail": "task accepted", "status": "queued"},
        {"request_id": "a b", "error": "a warning"},
        {"name": "operations/1", "error": "a warning"},
        {"error": {"code": 0, "message": "ok"}},
    ],
)
def test_an_answer_that_may_have_accepted_the_create_is_no_refusal(answer: object) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(account(answer))
