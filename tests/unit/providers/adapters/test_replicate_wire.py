import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from providers.adapters.replicate.adapter import Replicate
from providers.adapters.replicate.wire import Prediction, to_cancellation, to_input, to_state
from providers.base import Cancellation, ProviderRequest, RemoteRef, RemoteState, RemoteStatus
from providers.http.transport import Transport
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused
from schemas.orders import Inputs
from schemas.provider_errors import (
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings

PROMPT = "a lighthouse in fog"
FLUX, SEEDANCE = "black-forest-labs/flux-schnell", "bytedance/seedance-1-pro"
REMOTE = RemoteRef("p1a2b3c4", FLUX)
URL = "https://replicate.delivery/xezq/abc/out-0.png"
# A vector that another implementation of the scheme made.
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def account(
    reply: object = None, *, status: int = 200, webhook_key: str = "", requests: list[httpx.Request] | None = None
) -> Replicate:
    """An account whose calls all get this JSON as the answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        return httpx.Response(status, json=reply)

    settings = ProviderSettings(api_key=SecretStr("r8_key"), webhook_key=SecretStr(webhook_key))
    return Replicate("replicate", settings, Transport(http=httpx.MockTransport(answer)), clock=lambda: 1_700_000_000.0)


def submit(replicate: Replicate, *, callback_url: str | None = None) -> str:
    request = ProviderRequest(FLUX, Inputs(prompt=PROMPT, output_format="png"))
    created = replicate.submit(request, callback_url=callback_url, generation_id=uuid4(), fence=lambda: None)
    return created.remote_id


def prediction(status: str = "starting", **fields: Any) -> dict[str, Any]:
    return {"id": "p1a2b3c4", "model": FLUX, "version": "hidden", "status": status, "output": None, **fields}


def state_of(**fields: Any) -> RemoteState:
    return to_state(Prediction.model_validate(prediction(**fields)))


INPUTS = Inputs(
    prompt="jpeg",
    image_urls=["https://x.example/1.png"],
    aspect_ratio="16:9",
    resolution="480p",
    duration_seconds=10,
    audio=True,
    output_format="jpeg",
)
WRITTEN: dict[str, dict[str, object]] = {
    FLUX: {"prompt": "jpeg", "aspect_ratio": "16:9", "output_format": "jpg"},
    SEEDANCE: {"prompt": "jpeg", "aspect_ratio": "16:9", "resolution": "480p", "duration": 10},
}


@pytest.mark.parametrize("model", WRITTEN)
def test_the_fields_of_each_model(model: str) -> None:
    assert to_input(model, INPUTS) == WRITTEN[model]


def test_omitted_inputs_are_not_sent() -> None:
    assert to_input(FLUX, Inputs(prompt="p")) == {"prompt": "p"}


def test_an_unknown_model_of_an_old_order_is_rejected() -> None:
    with pytest.raises(ProviderRejected, match="replicate's model stability-ai/sdxl is not served any more"):
        to_input("stability-ai/sdxl", INPUTS)


def test_the_create_request() -> None:
    requests: list[httpx.Request] = []
    replicate = account(prediction(), status=201, requests=requests)
    assert submit(replicate, callback_url="https://gw.example/callbacks/replicate/1?t=x") == "p1a2b3c4"
    (request,) = requests
    assert request.method == "POST"
    assert str(request.url) == f"https://api.replicate.com/v1/models/{FLUX}/predictions"
    assert request.headers["authorization"] == "Bearer r8_key"
    assert json.loads(request.content) == {
        "input": {"prompt": PROMPT, "output_format": "png"},
        "webhook": "https://gw.example/callbacks/replicate/1?t=x",
        "webhook_events_filter": ["completed"],
    }


def test_without_a_callback_url_no_webhook_is_requested() -> None:
    requests: list[httpx.Request] = []
    submit(account(prediction(), status=201, requests=requests))
    assert set(json.loads(requests[0].content)) == {"input"}


def test_polls_and_cancels_name_one_prediction() -> None:
    requests: list[httpx.Request] = []
    replicate = account(prediction(), requests=requests)
    replicate.poll(REMOTE)
    replicate.cancel(REMOTE)
    assert [(request.method, str(request.url), request.content) for request in requests] == [
        ("GET", "https://api.replicate.com/v1/predictions/p1a2b3c4", b""),
        ("POST", "https://api.replicate.com/v1/predictions/p1a2b3c4/cancel", b""),
    ]


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("word", ["starting", "processing", "succeeded", "failed", "canceled", "a new word"])
def test_a_create_with_an_id_is_accepted_in_any_state(status: int, word: str) -> None:
    assert submit(account(prediction(word), status=status)) == "p1a2b3c4"


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (201, {}),
        (201, []),
        (201, {**prediction(), "id": ""}),
        (201, {**prediction(), "id": "../account"}),
        (201, {**prediction(), "id": "p" * 201}),
        (302, prediction()),
        (422, prediction("failed")),
        (500, prediction()),
    ],
)
def test_a_create_that_may_have_been_accepted_is_an_unknown_outcome(status: int, reply: object) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(account(reply, status=status))


@pytest.mark.parametrize(
    ("status", "problem", "text"),
    [
        (422, {"title": "Invalid", "detail": f"input.prompt: '{PROMPT}' is dull"}, "input.prompt: '[…]' is dull"),
        (422, {"title": "Invalid", "status": 422}, "Invalid"),
        (400, {"detail": "see https://x.example/r8_key\nnow"}, "see [link] now"),
        (404, {"detail": "your token r8_key knows no such model"}, "your token […] knows no such model"),
    ],
)
def test_the_text_of_a_rejection_is_quoted_without_secrets(status: int, problem: object, text: str) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account(problem, status=status))
    assert caught.value.message == f"replicate answered submit with HTTP {status}: {text}"


@pytest.mark.parametrize(
    ("problem", "status", "words"),
    [
        ({"detail": "no"}, 422, "HTTP 422"),
        ({"detail": "no"}, 201, "an error"),
        ({"detail": [{"msg": "no"}]}, 422, "HTTP 422"),
        ({"detail": [{"msg": "no"}]}, 201, "an error"),
        ({"title": "no"}, 422, "HTTP 422"),
    ],
)
def test_a_rejection_with_a_text(problem: object, status: int, words: str) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account(problem, status=status))
    assert caught.value.message == f"replicate answered submit with {words}: no"


@pytest.mark.parametrize("problem", [{}, {"detail": ""}, "no", None])
def test_a_rejection_without_a_text(problem: object) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account(problem, status=422))
    assert caught.value.message == "replicate answered submit with HTTP 422"


def test_other_refusals_are_not_quoted() -> None:
    with pytest.raises(ProviderQuotaExceeded) as caught:
        submit(account({"title": "Insufficient credit", "detail": "pay at once"}, status=402))
    assert caught.value.message == "replicate answered submit with HTTP 402"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({}, ProviderUnavailable),
        ({"detail": "busy"}, ProviderUnavailable),
        ({**prediction(), "id": "p2"}, ProviderBadResponse),
    ],
)
def test_a_read_without_a_usable_prediction(reply: object, expected: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        account(reply).poll(REMOTE)
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("starting", RemoteStatus.QUEUED),
        ("processing", RemoteStatus.RUNNING),
        ("canceled", RemoteStatus.CANCELLED),
        ("aborted", RemoteStatus.CANCELLED),
    ],
)
def test_states(word: str, status: RemoteStatus) -> None:
    assert state_of(status=word) == RemoteState(status)


@pytest.mark.parametrize(
    ("output", "urls"),
    [
        (URL, [URL]),
        ([URL, f"{URL}?2"], [URL, f"{URL}?2"]),
        ({"video": URL, "seed": 7, "frames": [f"{URL}?1", None]}, [URL, f"{URL}?1"]),
    ],
)
def test_an_output_can_be_a_text_a_list_or_an_object(output: object, urls: list[str]) -> None:
    state = state_of(status="succeeded", output=output)
    assert (state.status, state.result_urls) == (RemoteStatus.SUCCEEDED, urls)


@pytest.mark.parametrize("output", [None, "", [], {}, [None], {"seed": 7}])
def test_success_without_a_link_is_a_failure(output: object) -> None:
    state = state_of(status="succeeded", output=output)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert state.error_message == "replicate reported success without a result"


@pytest.mark.parametrize("output", ["a cat", ["javascript:1"], {"b": "file:///etc/passwd"}, ["/files/1.png"]])
def test_a_result_without_a_link_fails_at_once(output: object) -> None:
    state = state_of(status="succeeded", output=output)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert state.error_message is not None
    assert state.error_message.startswith("replicate reported success with")


@pytest.mark.parametrize(
    "output", [["a caption", URL], {"text": "a caption", "image": URL}, {"a": URL, "b": "file:///etc/passwd"}]
)
def test_texts_beside_a_link_are_skipped(output: object) -> None:
    assert state_of(status="succeeded", output=output).result_urls == [URL]


@pytest.mark.parametrize("error", [None, "", {"code": "E1"}])
def test_a_failure_without_a_reason(error: object) -> None:
    assert state_of(status="failed", error=error).error_message == "replicate could not generate it: no reason given"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("starting", Cancellation.REQUESTED),
        ("processing", Cancellation.REQUESTED),
        ("succeeded", Cancellation.IMPOSSIBLE),
        ("failed", Cancellation.IMPOSSIBLE),
        ("canceled", Cancellation.STOPPED),
        ("aborted", Cancellation.STOPPED),
    ],
)
def test_the_outcomes_of_a_cancel(word: str, expected: Cancellation) -> None:
    assert to_cancellation(Prediction.model_validate(prediction(word))) is expected


def test_a_finished_prediction_with_an_unreadable_output_cannot_be_cancelled() -> None:
    assert account(prediction("succeeded", output=["none"])).cancel(REMOTE) is Cancellation.IMPOSSIBLE


def test_a_lost_create_cannot_be_looked_up() -> None:
    requests: list[httpx.Request] = []
    assert account(requests=requests).look_up(uuid4()) is None
    assert requests == []


def test_without_a_webhook_key_no_signature_is_required() -> None:
    body = json.dumps(prediction("succeeded")).encode()
    assert account().read_callback({}, body).remote_id == "p1a2b3c4"


def test_with_a_webhook_key_the_signature_is_verified_before_the_body_is_parsed() -> None:
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": "v1,7FsET15FuQriJ5QlYck6mwTdVnYx7DsL3XiJYsNy1FY=",
    }
    with pytest.raises(CallbackRefused, match="not a prediction"):
        account(webhook_key=SECRET).read_callback(signed, b'{"ok":true}')
    with pytest.raises(CallbackRefused, match="signature is wrong"):
        account(webhook_key=SECRET).read_callback(signed, b'{"ok":false}')


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id":"a/b","status":"failed"}'])
def test_a_callback_that_is_not_a_prediction_is_refused(body: bytes) -> None:
    with pytest.raises(CallbackRefused, match="not a prediction"):
        account().read_callback({}, body)


@pytest.mark.parametrize(
    ("metrics", "seconds"),
    [
        ({"predict_time": 3.25, "total_time": 9}, 3.25),
        ({}, None),
        (None, None),
        ("none", None),
        ({"predict_time": -1}, None),
    ],
)
def test_the_time_of_the_work_is_told_in_metrics(metrics: object, seconds: float | None) -> None:
    state = state_of(status="succeeded", output="https://x.example/1.png", metrics=metrics)
    assert (state.status, state.provider_seconds) == (RemoteStatus.SUCCEEDED, seconds)
