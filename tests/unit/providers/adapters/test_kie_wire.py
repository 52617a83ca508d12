import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from providers.adapters.kie.adapter import Kie
from providers.adapters.kie.market import to_state
from providers.adapters.kie.wire import Answer, signature
from providers.base import CallbackReading, ProviderRequest, RemoteRef, RemoteState, RemoteStatus
from providers.http.transport import Transport
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused
from schemas.orders import Inputs
from schemas.provider_errors import (
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings

PROMPT = "a lighthouse in fog"
REMOTE = RemoteRef("task_demo", "google/nano-banana")


def account(
    reply: object = None, *, webhook_key: str = "", second_key: str = "", requests: list[httpx.Request] | None = None
) -> Kie:
    """An account whose calls all get this JSON as the answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        return httpx.Response(200, json=reply)

    settings = ProviderSettings(
        api_key=SecretStr("key"), webhook_key=SecretStr(webhook_key), also_accepted_webhook_key=SecretStr(second_key)
    )
    return Kie("kie", settings, Transport(http=httpx.MockTransport(answer)), clock=lambda: 1_700_000_000.0)


def submit(kie: Kie, *, callback_url: str | None = None) -> str:
    request = ProviderRequest("google/nano-banana", Inputs(prompt=PROMPT, output_format="png"))
    return kie.submit(request, callback_url=callback_url, generation_id=uuid4(), fence=lambda: None).remote_id


def state_of(**fields: Any) -> RemoteState:
    return to_state(Answer(code=200, msg="the envelope's text", data=fields))


def test_the_signature_matches_the_documented_one() -> None:
    expected = "+83azEXRIMmTENj5bLCXLK6A0eivlEA6u2lo/BQ7OW4="
    assert signature("kie-test-key", "task_demo", "1700000000") == expected


@pytest.mark.parametrize("field", ["taskId", "task_id"])
def test_a_callback_names_its_task_in_either_spelling(field: str) -> None:
    headers = {
        "x-webhook-timestamp": "1700000000",
        "x-webhook-signature": "+83azEXRIMmTENj5bLCXLK6A0eivlEA6u2lo/BQ7OW4=",
    }
    body = json.dumps({"code": 501, "msg": "failed", "data": {field: "task_demo", "state": "fail"}}).encode()
    kie = account(webhook_key="kie-test-key")
    assert kie.read_callback(headers, body) == CallbackReading("task_demo", is_verified=True)
    with pytest.raises(CallbackRefused, match="signature is wrong"):
        account(webhook_key="another").read_callback(headers, body)
    rotating = account(webhook_key="another", second_key="kie-test-key")
    assert rotating.read_callback(headers, body).is_verified


def test_without_a_webhook_key_no_signature_is_required() -> None:
    assert account().read_callback({}, b'{"code":200,"data":{"taskId":"task_demo"}}').remote_id == "task_demo"


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1700000000.5", "١٧٠٠٠٠٠٠٠٠"])
def test_a_callback_requires_a_timestamp_in_seconds(timestamp: str) -> None:
    with pytest.raises(CallbackRefused, match="X-Webhook-Timestamp"):
        account(webhook_key="k").read_callback(
            {"x-webhook-timestamp": timestamp}, b'{"code":200,"data":{"taskId":"t"}}'
        )


@pytest.mark.parametrize(
    "data", [None, [], "task_demo", {}, {"taskId": ""}, {"taskId": "a\x00b"}, {"taskId": "x" * 201}]
)
def test_a_callback_without_a_usable_task_is_refused(data: object) -> None:
    with pytest.raises(CallbackRefused, match="names no task"):
        account().read_callback({}, json.dumps({"code": 200, "data": data}).encode())


def test_the_create_request() -> None:
    requests: list[httpx.Request] = []
    kie = account({"code": 200, "msg": "success", "data": {"taskId": "task_demo"}}, requests=requests)
    assert submit(kie, callback_url="https://gw.example/callbacks/kie/1?t=x") == "task_demo"
    assert (requests[0].method, str(requests[0].url)) == ("POST", "https://api.kie.ai/api/v1/jobs/createTask")
    assert requests[0].headers["authorization"] == "Bearer key"
    assert json.loads(requests[0].content) == {
        "model": "google/nano-banana",
        "input": {"prompt": PROMPT, "output_format": "png"},
        "callBackUrl": "https://gw.example/callbacks/kie/1?t=x",
    }


@pytest.mark.parametrize(
    "reply",
    [
        {"code": 200, "msg": "success", "data": None},
        {"code": 200, "data": {"taskId": ""}},
        {"code": 500, "msg": "error", "data": {"taskId": "task_demo"}},
        {"code": 7, "msg": "?"},
        {"data": {"taskId": "task_demo"}},
        {},
        [],
    ],
)
def test_a_create_that_may_have_been_accepted_is_an_unknown_outcome(reply: object) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(account(reply))


def test_a_failed_task_can_have_a_failure_code() -> None:
    data = {"taskId": "task_demo", "state": "fail", "failCode": "500", "failMsg": "Internal server error"}
    state = account({"code": 501, "msg": "Playground task failed.", "data": data}).poll(REMOTE)
    assert state.error_message == "kie could not generate it (code 500): Internal server error"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({"code": 501, "msg": "failed", "data": None}, ProviderRejected),
        ({"code": 200, "msg": "success", "data": None}, ProviderBadResponse),
        ({"code": 200, "data": {}}, ProviderBadResponse),
        ({"code": 200, "data": {"taskId": "task_2", "state": "success"}}, ProviderBadResponse),
        ({"code": 7, "data": None}, ProviderBadResponse),
        ({"state": "success"}, ProviderUnavailable),
    ],
)
def test_a_read_without_a_usable_record(reply: object, expected: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        account(reply).poll(REMOTE)
    assert type(caught.value) is expected


@pytest.mark.parametrize("key", ["msg", "message"])
def test_the_text_of_a_rejection_is_quoted_without_the_prompt(key: str) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account({"code": 422, key: f"input.prompt: '{PROMPT}' is too dull", "data": ""}))
    assert caught.value.message == "kie found the request invalid (code 422): input.prompt: '[…]' is too dull"


def test_states() -> None:
    assert state_of(state="waiting") == RemoteState(RemoteStatus.QUEUED)
    assert state_of(state="queuing", resultJson="") == RemoteState(RemoteStatus.QUEUED)
    assert state_of(state="generating") == RemoteState(RemoteStatus.RUNNING)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(15_000, 15.0), ("2500", 2.5), (0, 0.0), (None, None), (-1, None), ("soon", None), (10**30, None)],
)
def test_the_time_of_the_work_is_told_in_milliseconds(told: object, seconds: float | None) -> None:
    state = state_of(state="success", resultJson='{"resultUrls":["https://x.example/1.png"]}', costTime=told)
    assert (state.status, state.provider_seconds) == (RemoteStatus.SUCCEEDED, seconds)


@pytest.mark.parametrize("result", [None, "", "{}", '{"resultUrls":[]}', '{"resultUrls":null}', '{"resultObject":{}}'])
def test_success_without_urls_is_a_failure(result: str | None) -> None:
    state = state_of(state="success", resultJson=result)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)


@pytest.mark.parametrize("result", ["[", "", "{}", '{"resultUrls":["javascript:1"]}', '{"resultUrls":[1]}'])
def test_a_result_without_a_link_fails_at_once(result: str) -> None:
    state = state_of(state="success", resultJson=result)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)


@pytest.mark.parametrize(
    "result",
    [
        '{"resultUrls":"https://x.example/1.png"}',
        {"resultUrls": ["https://x.example/1.png"]},
        '["https://x.example/1.png"]',
        '{"resultObject":{"image":{"url":"https://x.example/1.png"}}}',
        "https://x.example/1.png",
    ],
)
def test_a_result_in_another_form_is_found(result: object) -> None:
    assert state_of(state="success", resultJson=result).result_urls == ["https://x.example/1.png"]


FLAGGED = "Your prompt was flagged by Website as violating content policies. Only English prompts are supported."


@pytest.mark.parametrize(
    ("text", "prompt", "code"),
    [
        (FLAGGED, "", ErrorCode.CONTENT_REJECTED),
        (FLAGGED.upper(), "a lighthouse in fog", ErrorCode.CONTENT_REJECTED),
        ("Rejected by Google's content policy", "a lighthouse in fog", ErrorCode.CONTENT_REJECTED),
        ("Internal error for 'a flag, violating content policies'", "A flag, violating content policies", None),
        ("Internal error", "", None),
        ("The flagged file is not an image", "", None),
    ],
)
def test_kies_own_words_about_its_content_policy_decide(text: str, prompt: str, code: ErrorCode | None) -> None:
    record = {"taskId": "task_demo", "state": "fail", "failCode": "500", "failMsg": text}
    polled = account({"code": 200, "data": record}).poll(RemoteRef("task_demo", "google/nano-banana", prompt=prompt))
    assert polled.error_code is (code or ErrorCode.PROVIDER_FAILED)


def test_a_failure_without_a_reason_quotes_the_envelope() -> None:
    state = state_of(state="fail", failCode=None, failMsg=None)
    assert state.error_message == "kie could not generate it (code missing): the envelope's text"


def test_a_code_can_be_a_number_or_a_text() -> None:
    assert state_of(state="fail", failCode=422).error_code is ErrorCode.PROVIDER_REJECTED
    assert state_of(state="fail", failCode="422").error_code is ErrorCode.PROVIDER_REJECTED
    assert Answer.model_validate_json('{"code":"200"}').code == 200


@pytest.mark.parametrize("code", [400, 422, 500, 501])
def test_a_create_that_is_flagged_is_a_content_rejection(code: int) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account({"code": code, "msg": FLAGGED, "data": None}))
    assert caught.value.code is ErrorCode.CONTENT_REJECTED
    assert caught.value.message == f"kie refused it by its content policy (code {code}): {FLAGGED}"


def test_a_prompt_about_policies_is_no_content_rejection() -> None:
    request = ProviderRequest("google/nano-banana", Inputs(prompt="a flag that violates content policies"))
    kie = account({"code": 422, "msg": f"'{request.inputs.prompt}' is too long", "data": None})
    with pytest.raises(ProviderRejected) as caught:
        kie.submit(request, callback_url=None, generation_id=uuid4(), fence=lambda: None)
    assert caught.value.code is ErrorCode.PROVIDER_REJECTED
