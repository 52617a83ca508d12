import base64
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from providers.adapters.gemini.adapter import Gemini
from providers.adapters.gemini.wire import FORMATS, to_body
from providers.base import Cancellation, InputFile, ProviderRequest, RemoteRef, RemoteState, RemoteStatus, ResultRequest
from providers.http.retry_after import MAX_RETRY_AFTER_SECONDS
from providers.http.transport import Transport
from schemas.enums import ErrorCode
from schemas.orders import Inputs
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings

PROMPT = "a lighthouse in fog"
OMNI, BANANA = "gemini-omni-1.1-flash", "gemini-nano-banana-2.1"
REMOTE = RemoteRef("v1_1", OMNI)
BASE = "https://generativelanguage.googleapis.com"
HERE = f"{BASE}/v1beta/interactions/v1_1"
KEY = {"x-goog-api-key": "AIza_key"}
PICTURE, ANOTHER, CLIP = "https://x.example/1.png", "https://x.example/2.jpg", "https://x.example/3.mov"
FILES = {
    PICTURE: InputFile(b"one", "image/png"),
    ANOTHER: InputFile(b"two", "image/jpeg"),
    CLIP: InputFile(b"three", "video/quicktime"),
}


def account(reply: object = None, *, status: int = 200, requests: list[httpx.Request] | None = None) -> Gemini:
    """An account whose every call is answered with this."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        if isinstance(reply, bytes):
            return httpx.Response(status, content=reply)
        return httpx.Response(status, json=reply)

    settings = ProviderSettings(api_key=SecretStr("AIza_key"))
    return Gemini("gemini", settings, Transport(http=httpx.MockTransport(answer)), clock=lambda: 1_700_000_000.0)


def submit(gemini: Gemini, *, callback_url: str | None = None) -> str:
    request = ProviderRequest(OMNI, Inputs(prompt=PROMPT, duration_seconds=8))
    created = gemini.submit(request, callback_url=callback_url, generation_id=uuid4(), fence=lambda: None)
    return created.remote_id


def interaction(status: str = "completed", **fields: Any) -> dict[str, Any]:
    return {"id": "v1_1", "object": "interaction", "status": status, **fields}


def output(*contents: object) -> dict[str, object]:
    return {"type": "model_output", "content": list(contents)}


INPUTS = Inputs(
    prompt="p",
    negative_prompt="n",
    aspect_ratio="16:9",
    resolution="4K",
    duration_seconds=10,
    fps=30,
    motion=0.5,
    seed=7,
    audio=True,
    enhance_prompt=True,
    output_format="jpeg",
)
VIDEO = {"type": "video", "aspect_ratio": "16:9", "resolution": "4K", "duration": "10s", "delivery": "uri"}
IMAGE = {"type": "image", "aspect_ratio": "16:9", "mime_type": "image/jpeg", "delivery": "uri"}


@pytest.mark.parametrize("model", FORMATS)
def test_the_fields_of_each_model(model: str) -> None:
    sized = {**IMAGE, "image_size": "4K"}
    formats = {OMNI: VIDEO, "gemini-omni-1.2-flash": VIDEO} | dict.fromkeys(
        ["gemini-3.1-flash-lite-image", "gemini-2.5-flash-image"], IMAGE
    )
    body: dict[str, object] = {
        "model": model,
        "input": [{"type": "text", "text": "p"}],
        "response_format": formats.get(model, sized),
        "background": True,
    }
    if "omni" in model:
        body["generation_config"] = {"seed": 7, "video_config": {"task": "text_to_video"}}
    assert to_body(model, INPUTS, {}, callback_url=None) == body


def test_omitted_inputs_are_not_sent() -> None:
    body = to_body(BANANA, Inputs(prompt="p"), {}, callback_url=None)
    assert body["response_format"] == {"type": "image", "delivery": "uri"}
    assert set(body) == {"model", "input", "response_format", "background"}


def test_images_and_videos_are_sent_as_bytes_before_the_prompt() -> None:
    inputs = Inputs(prompt="p", image_urls=[PICTURE, ANOTHER], video_urls=[CLIP])
    assert to_body(OMNI, inputs, FILES, callback_url=None)["input"] == [
        {"type": "image", "mime_type": "image/png", "data": base64.b64encode(b"one").decode()},
        {"type": "image", "mime_type": "image/jpeg", "data": base64.b64encode(b"two").decode()},
        {"type": "video", "mime_type": "video/mov", "data": base64.b64encode(b"three").decode()},
        {"type": "text", "text": "p"},
    ]


@pytest.mark.parametrize(
    ("prompt", "images", "videos", "task"),
    [
        ("p", [], [], "text_to_video"),
        ("p", [PICTURE], [], "image_to_video"),
        ("p", [PICTURE, ANOTHER], [], None),
        ("p", [], [CLIP], None),
        ("p", [PICTURE], [CLIP], None),
        ("in the style of <IMAGE_REF_0>", [PICTURE], [], None),
        ("<FIRST_FRAME> a woman walks", [PICTURE], [], None),
        ("from <FIRST_FRAME> to <LAST_FRAME>", [PICTURE, ANOTHER], [], None),
        ("a < b <IMAGE>", [PICTURE], [], "image_to_video"),
    ],
)
def test_the_task_is_sent_if_the_inputs_determine_it(
    prompt: str, images: list[str], videos: list[str], task: str | None
) -> None:
    inputs = Inputs(prompt=prompt, image_urls=images, video_urls=videos)
    config = to_body(OMNI, inputs, FILES, callback_url=None).get("generation_config")
    assert config == (None if task is None else {"video_config": {"task": task}})


@pytest.mark.parametrize(("size", "is_taken"), [(75_000_000, True), (75_000_001, False)])
def test_files_that_are_together_too_large_are_not_sent(size: int, is_taken: bool) -> None:
    files = {PICTURE: InputFile(bytes(size - 3), "image/png"), ANOTHER: FILES[ANOTHER]}
    inputs = Inputs(prompt="p", image_urls=[PICTURE, ANOTHER])
    if is_taken:
        assert len(str(to_body(BANANA, inputs, files, callback_url=None))) > 100_000_000
    else:
        with pytest.raises(ProviderRejected, match="larger, together"):
            to_body(BANANA, inputs, files, callback_url=None)


def test_an_unknown_model_of_an_old_order_is_rejected() -> None:
    with pytest.raises(ProviderRejected, match="gemini's model veo-3 is not served any more"):
        to_body("veo-3", INPUTS, {}, callback_url=None)


def test_the_create_request() -> None:
    requests: list[httpx.Request] = []
    gemini = account(interaction("in_progress"), requests=requests)
    assert submit(gemini, callback_url="https://gw.example/callbacks/gemini/1?t=x") == "v1_1"
    (request,) = requests
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/v1beta/interactions")
    assert (request.headers["x-goog-api-key"], request.headers["api-revision"]) == ("AIza_key", "2026-05-20")
    assert "authorization" not in request.headers
    assert json.loads(request.content)["webhook_config"] == {"uris": ["https://gw.example/callbacks/gemini/1?t=x"]}


def test_polls_and_cancels_name_one_interaction() -> None:
    requests: list[httpx.Request] = []
    gemini = account(interaction("in_progress"), requests=requests)
    gemini.poll(REMOTE)
    gemini.cancel(REMOTE)
    assert [(request.method, str(request.url), request.content) for request in requests] == [
        ("GET", HERE, b""),
        ("POST", f"{HERE}/cancel", b""),
    ]


@pytest.mark.parametrize("word", ["queued", "completed", "failed", "cancelled", "a new word"])
def test_a_create_with_an_id_is_accepted_in_any_state(word: str) -> None:
    assert submit(account(interaction(word))) == "v1_1"


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (200, {}),
        (200, []),
        (200, interaction(id="")),
        (200, interaction(id="../files/1")),
        (200, interaction(id="..")),
        (302, interaction()),
        (400, interaction()),
        (500, {"error": {"code": 500, "message": "no", "status": "INTERNAL"}}),
        (504, {"error": {"code": 504, "message": "no", "status": "DEADLINE_EXCEEDED"}}),
    ],
)
def test_a_create_that_may_have_been_accepted_is_an_unknown_outcome(status: int, reply: object) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(account(reply, status=status))


INVALID = {"code": 400, "status": "INVALID_ARGUMENT", "details": []}


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ({"error": {**INVALID, "message": f"'{PROMPT}' is dull"}}, ": '[…]' is dull"),
        ({"error": {"code": "invalid_request", "message": "see https://x.example/AIza_key\nnow"}}, ": see [link] now"),
        ([{"error": {**INVALID, "message": "your key AIza_key knows no such model"}}], ": your key […] knows no such"),
        ({"error": {**INVALID, "message": ""}}, ""),
        ({"error": "no"}, ""),
        ([], ""),
        (b"<html>", ""),
    ],
)
def test_the_text_of_a_rejection_is_quoted_without_secrets(problem: object, text: str) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account(problem, status=400))
    assert caught.value.message.startswith(f"gemini answered submit with HTTP 400{text}")


def refusal(*details: object, code: int) -> object:
    return {"error": {"code": code, "message": "no", "status": "X", "details": list(details)}}


def retry(delay: object) -> dict[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        ([retry("41s")], 41),
        ([{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []}, retry("0.25s")], 0.25),
        ([retry("86400s")], MAX_RETRY_AFTER_SECONDS),
        ([retry("soon"), retry("2s")], 2),
        ([retry("-1s")], None),
        ([retry(5)], None),
        ([], None),
    ],
)
def test_the_error_has_the_pause_of_google(details: list[object], seconds: float | None) -> None:
    with pytest.raises(ProviderRateLimited) as limited:
        submit(account(refusal(*details, code=429), status=429))
    with pytest.raises(ProviderUnavailable) as away:
        account(refusal(*details, code=503), status=503).poll(REMOTE)
    assert limited.value.retry_after == away.value.retry_after == seconds


def test_the_reason_and_not_the_status_shows_a_wrong_key() -> None:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    for code, expected in ((400, ProviderAuthFailed), (500, ProviderOutcomeUnknown)):
        with pytest.raises(ProviderError) as caught:
            submit(account(refusal(info, code=code), status=code))
        assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({}, ProviderUnavailable),
        (interaction(id="v1_2"), ProviderBadResponse),
    ],
)
def test_a_read_without_a_usable_interaction(reply: object, expected: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        account(reply).poll(REMOTE)
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("word", "status", "cancellation"),
    [
        ("queued", RemoteStatus.QUEUED, Cancellation.REQUESTED),
        ("in_progress", RemoteStatus.RUNNING, Cancellation.REQUESTED),
        ("cancelled", RemoteStatus.CANCELLED, Cancellation.STOPPED),
        ("failed", RemoteStatus.FAILED, Cancellation.IMPOSSIBLE),
        ("incomplete", RemoteStatus.FAILED, Cancellation.IMPOSSIBLE),
        ("budget_exceeded", RemoteStatus.FAILED, Cancellation.IMPOSSIBLE),
        ("requires_action", RemoteStatus.FAILED, Cancellation.IMPOSSIBLE),
        ("requires_continuation", RemoteStatus.FAILED, Cancellation.IMPOSSIBLE),
        ("completed", RemoteStatus.FAILED, Cancellation.IMPOSSIBLE),
    ],
)
def test_states_and_outcomes_of_a_cancel(word: str, status: RemoteStatus, cancellation: Cancellation) -> None:
    gemini = account(interaction(word))
    assert gemini.poll(REMOTE).status is status
    assert gemini.cancel(REMOTE) is cancellation


URI = f"{BASE}/v1beta/files/xyz"
TEXT = {"type": "text", "text": "I cannot draw that."}
USER = {"type": "user_input", "content": [{"type": "image", "data": "b25l"}, {"type": "text", "text": "p"}]}
THOUGHT = {"type": "thought", "signature": "c2ln", "summary": [{"type": "image", "data": "dHdv"}]}


@pytest.mark.parametrize(
    ("fields", "link"),
    [
        ({"steps": [USER, THOUGHT, output({"type": "video", "uri": URI})]}, URI),
        ({"output_video": {"mime_type": "video/mp4", "uri": URI}}, URI),
        ({"output_image": {"type": "image", "uri": "files/xyz"}}, URI),
        # The last of several, as Google's client has it, and words aside.
        ({"steps": [output({"type": "image", "uri": f"{URI}1"}, {"type": "image", "uri": URI}, TEXT)]}, URI),
        ({"steps": [output({"type": "image", "uri": f"{URI}1"}), output({"type": "image", "uri": URI})]}, URI),
        ({"steps": [output({"type": "video", "data": "AAAA"})]}, f"{HERE}#0"),
        ({"steps": [USER, THOUGHT, output({"type": "video", "data": ""})]}, f"{HERE}#2"),
        ({"steps": [output({"type": "image", "data": "AAAA"}, {"type": "image", "data": "BBBB"})]}, f"{HERE}#1"),
        ({"usage": {"data": "x"}, "output_video": {"data": "AAAA"}}, f"{HERE}#1"),
        ({"data": {"data": 7}, "output_video": {"data": "AAAA"}, "more": {"data": "x"}}, f"{HERE}#0"),
        ({"steps": ["no step", {"type": "model_output"}, output("no content", {"type": "video", "uri": URI})]}, URI),
    ],
)
def test_the_link_of_the_result(fields: dict[str, Any], link: str) -> None:
    assert account(interaction(**fields)).poll(REMOTE) == RemoteState(RemoteStatus.SUCCEEDED, result_urls=[link])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "gemini reported success without a result"),
        ({"steps": None}, "gemini reported success without a result"),
        ({"steps": [USER, THOUGHT]}, "gemini reported success without a result"),
        ({"steps": [output({"type": "audio", "uri": URI})]}, "gemini reported success without a result"),
        ({"steps": [output({"type": ["video"], "uri": URI})]}, "gemini reported success without a result"),
        (
            {"steps": [USER, output(TEXT)]},
            "gemini answered with words in place of a result: I cannot draw that.",
        ),
    ],
)
def test_success_without_a_file_is_a_failure(fields: dict[str, Any], message: str) -> None:
    state = account(interaction(**fields)).poll(REMOTE)
    assert (state.status, state.error_message) == (RemoteStatus.FAILED, message)


def test_a_failure_quotes_every_reason() -> None:
    errors = [{"code": "https://x.example/e", "message": "it broke"}, {"code": "b"}, {"message": "twice"}]
    for word, text in (("failed", "it broke; twice"), ("incomplete", "it stopped before the result was whole")):
        state = account(interaction(word, errors=errors)).poll(REMOTE)
        assert state.error_message is not None
        assert state.error_message.startswith(f"gemini could not generate it: {text}")
    unexplained = account(interaction("failed", errors=None)).poll(REMOTE)
    assert unexplained.error_message == "gemini could not generate it: no reason given"


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        (URI, ResultRequest(f"{URI}?alt=media", headers=KEY)),
        (f"{URI}?x=1", ResultRequest(f"{URI}?x=1&alt=media", headers=KEY)),
        (f"{URI}:download?alt=media", ResultRequest(f"{URI}:download?alt=media", headers=KEY)),
        (f"{HERE}#2", ResultRequest(HERE, headers=KEY, embedded_in="data", embedded_after=2)),
        ("https://storage.example/1.mp4", ResultRequest("https://storage.example/1.mp4")),
        (f"{BASE}.evil.example/v1beta/files/1", ResultRequest(f"{BASE}.evil.example/v1beta/files/1")),
        ("https://evil.example/v1beta/interactions/1", ResultRequest("https://evil.example/v1beta/interactions/1")),
    ],
)
def test_the_request_for_a_result(link: str, wanted: ResultRequest) -> None:
    assert account().result_request(link) == wanted


def test_a_lost_create_cannot_be_looked_up() -> None:
    requests: list[httpx.Request] = []
    assert account(requests=requests).look_up(uuid4()) is None
    assert requests == []


def test_a_check_lists_models() -> None:
    requests: list[httpx.Request] = []
    account({"models": []}, requests=requests).check()
    assert (requests[0].method, str(requests[0].url)) == ("GET", f"{BASE}/v1beta/models?pageSize=1")


@pytest.mark.parametrize("status", ["completed", "COMPLETED"])
@pytest.mark.parametrize("uri", ["gs://bucket/1.mp4", 7, ""])
def test_a_result_without_a_link_fails_at_once(status: str, uri: object) -> None:
    state = account(interaction(status, output_video={"uri": uri})).poll(REMOTE)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)


def test_idle_is_no_news() -> None:
    assert account(interaction("idle")).poll(REMOTE) == RemoteState(RemoteStatus.UNKNOWN, word="idle")


def test_inputs_among_the_outputs_are_skipped() -> None:
    link = "https://x.example/1.mp4"
    steps = [
        {"type": "user_input", "content": [{"type": "video", "uri": "https://x.example/input.mp4"}]},
        {"type": "model_output", "content": [{"type": "video", "uri": link}]},
        {
            "type": "user_input",
            "content": [{"type": "text", "text": "thanks"}, {"type": "image", "uri": f"{link}.png"}],
        },
    ]
    assert account(interaction("completed", steps=steps)).poll(REMOTE).result_urls == [link]
