import base64
import json
import traceback
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from providers.adapters.kling_legacy.adapter import KlingLegacy
from providers.adapters.kling_legacy.tokens import make_token
from providers.adapters.kling_legacy.wire import Record, to_body, to_state
from providers.base import AcceptedCreate, ProviderRequest, RemoteRef, RemoteState, RemoteStatus
from providers.http.transport import Transport
from providers.webhooks.standard_webhooks import sign
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused, InvalidSettings
from schemas.orders import Inputs
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderBadResponse,
    ProviderError,
    ProviderModelGone,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings

PROMPT = "a paper boat in rain"
GENERATION_ID = UUID("8f1c0000-0000-4000-8000-000000000000")
REMOTE = RemoteRef("8812", "text2video/kling-v2-6")
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
SECRET_KEY = "a secret key that nobody may read"
NOW = 1_700_000_000
INPUTS = Inputs(
    prompt=PROMPT,
    negative_prompt="blur",
    image_urls=["https://x.example/1.png", "https://x.example/2.png"],
    aspect_ratio="16:9",
    resolution="1080p",
    duration_seconds=5,
    audio=True,
)
Answers = Callable[[httpx.Request], httpx.Response]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def account(
    answer: Answers | object = None,
    *,
    status: int = 200,
    webhook_key: str = "",
    second_key: str = "",
    options: dict[str, str] | None = None,
    clock: Callable[[], float] = lambda: float(NOW),
) -> KlingLegacy:
    """An account whose calls all get this JSON as the answer, or as the function says."""
    answers: Answers = answer if callable(answer) else lambda _request: httpx.Response(status, json=answer)
    settings = ProviderSettings(
        api_key=SecretStr("the-access-key"),
        webhook_key=SecretStr(webhook_key),
        also_accepted_webhook_key=SecretStr(second_key),
        options={name: SecretStr(value) for name, value in (options or {}).items()},
    )
    return KlingLegacy("kling_legacy", settings, Transport(http=httpx.MockTransport(answers)), clock=clock)


def submit(kling: KlingLegacy, *, model: str = REMOTE.model, callback_url: str | None = None) -> str:
    request = ProviderRequest(model, INPUTS)
    created = kling.submit(request, callback_url=callback_url, generation_id=GENERATION_ID, fence=lambda: None)
    return created.remote_id


def error_of(call: Callable[[], object]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        call()
    return caught.value


def state_of(**fields: Any) -> RemoteState:
    return to_state(Record.model_validate({"task_id": "8812", **fields}))


def said(data: object) -> dict[str, object]:
    return {"code": 0, "message": "SUCCEED", "request_id": "r1", "data": data}


def refused(code: int, message: str = "no") -> dict[str, object]:
    return {"code": code, "message": message, "request_id": "r1"}


def test_the_create_request() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json=said({"task_id": "8812", "task_status": "submitted"}))

    assert submit(account(answer), callback_url="https://gw.example/callbacks/1?t=x") == "8812"
    url = "https://api-singapore.klingai.com/v1/videos/text2video"
    assert (requests[0].method, str(requests[0].url)) == ("POST", url)
    assert requests[0].headers["authorization"] == "Bearer the-access-key"
    assert json.loads(requests[0].content) == {
        "model_name": "kling-v2-6",
        "prompt": PROMPT,
        "negative_prompt": "blur",
        "mode": "pro",
        "duration": "5",
        "aspect_ratio": "16:9",
        "sound": "on",
        "callback_url": "https://gw.example/callbacks/1?t=x",
        "external_task_id": str(GENERATION_ID),
    }


def test_images_are_the_first_and_the_last_frame_and_decide_the_aspect_ratio() -> None:
    inputs = INPUTS.model_copy(update={"resolution": "4k", "audio": False})
    assert to_body("image2video/kling-v3", inputs, external_id="1", callback_url=None) == {
        "model_name": "kling-v3",
        "prompt": PROMPT,
        "mode": "4k",
        "duration": "5",
        "sound": "off",
        "image": "https://x.example/1.png",
        "image_tail": "https://x.example/2.png",
        "external_task_id": "1",
    }


def test_2_5_turbo_gets_no_sound_field() -> None:
    inputs = INPUTS.model_copy(update={"resolution": "720p"})
    body = to_body("text2video/kling-v2-5-turbo", inputs, external_id="1", callback_url=None)
    assert "sound" not in body
    assert body["mode"] == "std"


def test_omitted_inputs_are_not_sent() -> None:
    body = to_body("text2video/kling-v3", Inputs(prompt="p"), external_id="1", callback_url=None)
    assert body == {"model_name": "kling-v3", "prompt": "p", "external_task_id": "1"}


@pytest.mark.parametrize("model", ["text2video/kling-v1-6", "video-extend/kling-v3", "kling-v3", "text2video"])
def test_an_unknown_model_of_an_old_order_is_rejected(model: str) -> None:
    with pytest.raises(ProviderRejected, match=f"kling_legacy's model {model} is not served any more"):
        to_body(model, INPUTS, external_id="1", callback_url=None)


def authorizations(clock: Callable[[], float]) -> tuple[KlingLegacy, list[str]]:
    """An account with a pair of keys, and the authentication headers that it sends."""
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["authorization"])
        return httpx.Response(200, json=said({"task_id": "8812", "task_status": "processing"}))

    return account(answer, options={"secret_key": SECRET_KEY}, clock=clock), sent


def test_a_pair_of_keys_is_sent_as_a_token() -> None:
    kling, sent = authorizations(Clock())
    kling.poll(REMOTE)
    submit(kling)
    assert sent == [f"Bearer {make_token('the-access-key', SECRET_KEY, NOW)}"] * 2


def test_an_empty_secret_key_counts_as_missing() -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["authorization"])
        return httpx.Response(200, json=said({"task_id": "8812", "task_status": "processing"}))

    account(answer, options={"secret_key": ""}).poll(REMOTE)
    assert sent == ["Bearer the-access-key"]


def test_a_token_is_reused_until_shortly_before_its_expiry() -> None:
    clock = Clock()
    kling, sent = authorizations(clock)
    for seconds in (0, 1499, 1500, 1501):
        clock.now = NOW + seconds
        kling.poll(REMOTE)
    first, second, third, fourth = sent
    assert first == second != third == fourth
    claims = jwt.decode(third.removeprefix("Bearer "), options={"verify_signature": False})
    assert claims == {"iss": "the-access-key", "exp": NOW + 1500 + 1800, "nbf": NOW + 1500 - 5}


def test_a_clock_that_is_set_back_makes_a_new_token() -> None:
    clock = Clock()
    kling, sent = authorizations(clock)
    kling.poll(REMOTE)
    clock.now = NOW - 3600
    kling.poll(REMOTE)
    assert jwt.decode(sent[1].removeprefix("Bearer "), options={"verify_signature": False})["nbf"] == NOW - 3605


def test_an_unknown_option_is_refused_with_its_name() -> None:
    with pytest.raises(InvalidSettings, match=r"KLING_LEGACY__OPTIONS__SECRET: .*secret_key") as why:
        account(options={"secret": SECRET_KEY})
    assert SECRET_KEY not in "".join(traceback.format_exception(why.value))


def test_errors_omit_the_key_and_the_token() -> None:
    token = make_token("the-access-key", SECRET_KEY, NOW)
    text = f"Bearer {token} of the-access-key, part {token[-40:-10]}, with '{PROMPT}'"
    kling = account(refused(1201, text), status=400, options={"secret_key": SECRET_KEY})
    with capture_logs() as lines:
        error = error_of(lambda: submit(kling))
    told = "".join(traceback.format_exception(error)) + repr(lines) + repr(vars(kling))
    assert not [secret for secret in (token, token[-40:-10], "the-access-key", SECRET_KEY, PROMPT) if secret in told]
    assert error.message == "kling_legacy found the request invalid (code 1201): […] of […], part […], with '[…]'"


CODES: dict[int, tuple[type[ProviderError], type[ProviderError]]] = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004, 1100, 1103, 1304), (ProviderAuthFailed, ProviderAuthFailed)),
    **dict.fromkeys((1101, 1102), (ProviderQuotaExceeded, ProviderQuotaExceeded)),
    **dict.fromkeys((1200, 1201, 1202, 1300, 1301), (ProviderRejected, ProviderRejected)),
    1203: (ProviderModelGone, ProviderRejected),
    **dict.fromkeys((1302, 1303), (ProviderRateLimited, ProviderRateLimited)),
    **dict.fromkeys((5000, 5002), (ProviderOutcomeUnknown, ProviderUnavailable)),
    5001: (ProviderUnavailable, ProviderUnavailable),
    7777: (ProviderOutcomeUnknown, ProviderBadResponse),
}


@pytest.mark.parametrize("code", CODES)
def test_the_code_decides_and_not_the_http_status(code: int) -> None:
    of_create, of_read = CODES[code]
    status = 200 if code == 7777 else 429
    kling = account(refused(code), status=status)
    assert type(error_of(lambda: submit(kling))) is of_create
    assert type(error_of(lambda: kling.poll(REMOTE))) is of_read


@pytest.mark.parametrize(
    "reply",
    [
        {"code": 0, "message": "SUCCEED"},
        said({"task_id": ""}),
        said({"task_id": "../1"}),
        said({"task_id": "1/2"}),
        said({"id": "8812"}),
        {"code": 1201, "message": "?", "data": {"task_id": "8812"}},
        refused(1201, "external_task_id already exists"),
    ],
)
def test_a_create_that_may_have_been_accepted_is_an_unknown_outcome(reply: object) -> None:
    assert type(error_of(lambda: submit(account(reply)))) is ProviderOutcomeUnknown


def found(replies: dict[str, object]) -> tuple[AcceptedCreate | None, list[str]]:
    """The result of a look-up while work of these kinds exists, and the requested paths."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        kind = request.url.path.split("/")[3]
        return httpx.Response(200, json=replies.get(kind, refused(1201, "Task not found")))

    return account(answer).look_up(GENERATION_ID), asked


def test_a_look_up_searches_all_kinds_of_work_for_our_id() -> None:
    task = {"task_id": "8812", "task_status": "processing", "task_info": {"external_task_id": str(GENERATION_ID)}}
    text, image = (f"/v1/videos/{kind}/{GENERATION_ID}" for kind in ("text2video", "image2video"))
    assert found({}) == (None, [text, image])
    assert found({"text2video": said(task)}) == (AcceptedCreate("8812"), [text])
    assert found({"image2video": said(task)}) == (AcceptedCreate("8812"), [text, image])


@pytest.mark.parametrize("info", [{}, {"task_info": {}}, {"task_info": {"external_task_id": ""}}, {"task_info": None}])
def test_a_look_up_accepts_a_task_without_our_id_in_the_answer(info: dict[str, object]) -> None:
    task = {"task_id": "8812", "task_status": "processing", **info}
    assert found({"text2video": said(task)})[0] == AcceptedCreate("8812")


def test_a_look_up_refuses_another_task() -> None:
    task = {"task_id": "8812", "task_status": "processing", "task_info": {"external_task_id": "another"}}
    assert type(error_of(lambda: found({"text2video": said(task)}))) is ProviderBadResponse


def test_a_refused_look_up_raises_an_error() -> None:
    assert type(error_of(lambda: account(refused(1002), status=401).look_up(GENERATION_ID))) is ProviderAuthFailed


def test_a_check_succeeds_if_kling_does_not_know_the_task() -> None:
    account(refused(1201, "Task not found"), status=400).check()
    assert type(error_of(lambda: account(refused(1004), status=401).check())) is ProviderAuthFailed


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(1201, "Task not found"), ProviderRejected),
        (refused(1203), ProviderRejected),
        (said({"task_id": "8813", "task_status": "succeed"}), ProviderBadResponse),
        (said({"task_status_msg": "busy"}), ProviderBadResponse),
        (said(None), ProviderBadResponse),
        (said([]), ProviderBadResponse),
        ({"task_status": "succeed"}, ProviderUnavailable),
    ],
)
def test_a_read_without_a_usable_record(reply: object, expected: type[ProviderError]) -> None:
    assert type(error_of(lambda: account(reply).poll(REMOTE))) is expected


def test_a_poll_uses_the_path_of_the_kind() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json=said({"task_id": "8812", "task_status": "processing"}))

    assert account(answer).poll(RemoteRef("8812", "image2video/kling-v3")) == RemoteState(RemoteStatus.RUNNING)
    assert asked == ["/v1/videos/image2video/8812"]


def test_states() -> None:
    assert state_of(task_status="submitted") == RemoteState(RemoteStatus.QUEUED)
    assert state_of(task_status="processing", task_result={}) == RemoteState(RemoteStatus.RUNNING)
    failed = state_of(task_status="failed", task_status_msg="Risk control")
    assert (failed.status, failed.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert failed.error_message == "kling_legacy could not generate it: Risk control"


@pytest.mark.parametrize("result", [None, {}, {"videos": []}, {"videos": None}, {"images": [{"url": "x"}]}])
def test_success_without_a_video_is_a_failure(result: object) -> None:
    state = state_of(task_status="succeed", task_result=result)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)


@pytest.mark.parametrize("result", ["x.example", {"videos": [{"url": "javascript:1"}]}, {"videos": [{"id": 1}]}])
def test_a_result_without_a_link_fails_at_once(result: object) -> None:
    state = state_of(task_status="succeed", task_result=result)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)


@pytest.mark.parametrize(("bill", "units"), [("2.5", Decimal("2.5")), (3, Decimal(3)), ("much", None), (None, None)])
def test_an_unreadable_charge_keeps_the_result(bill: object, units: Decimal | None) -> None:
    result = {"videos": [{"id": "v1", "url": "https://x.example/1.mp4"}]}
    state = state_of(task_status="succeed", task_result=result, final_unit_deduction=bill)
    assert (state.status, state.provider_credits) == (RemoteStatus.SUCCEEDED, units)
    assert state.result_urls == ["https://x.example/1.mp4"]


@pytest.mark.parametrize(
    "body",
    [
        {"task_id": "8812", "task_status": "succeed", "task_result": {"videos": []}},
        {"id": "8812", "status": "processing"},
        {"code": 0, "message": "SUCCEED", "data": {"task_id": "8812", "task_status": "succeed"}},
        {"code": 0, "message": "SUCCEED", "data": {"id": "8812", "status": "succeeded"}},
    ],
)
def test_a_callback_names_its_task_in_each_of_the_documented_forms(body: dict[str, object]) -> None:
    content = json.dumps(body).encode()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": sign(SECRET, "msg_1", NOW, content),
    }
    assert account().read_callback({}, content).remote_id == "8812"
    assert account(webhook_key=SECRET).read_callback(headers, content).remote_id == "8812"
    with pytest.raises(CallbackRefused, match="signature is wrong"):
        account(webhook_key=SECRET).read_callback(headers, content + b" ")


def test_either_of_two_webhook_keys_verifies_a_callback() -> None:
    content = b'{"task_id": "8812", "task_status": "succeed"}'
    signature = sign(SECRET, "msg_1", NOW, content)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(NOW), "webhook-signature": signature}
    other = "whsec_" + base64.b64encode(b"another secret of the vendor").decode()
    for first, second in ((SECRET, other), (other, SECRET)):
        assert account(webhook_key=first, second_key=second).read_callback(headers, content).is_verified
    with pytest.raises(CallbackRefused, match="signature is wrong"):
        account(webhook_key=other, second_key=other).read_callback(headers, content)
