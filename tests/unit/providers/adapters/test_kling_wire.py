import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from providers.adapters.kling.adapter import Kling
from providers.adapters.kling.dialect import names_the_external_id
from providers.adapters.kling.wire import Record, to_body, to_state
from providers.base import AcceptedCreate, ProviderRequest, RemoteRef, RemoteState, RemoteStatus
from providers.http.transport import Transport
from providers.webhooks.standard_webhooks import sign
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused
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
REMOTE = RemoteRef("8812", "text-to-video/kling-3.0")
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
NOW = 1_700_000_000
INPUTS = Inputs(
    prompt=PROMPT,
    image_urls=["https://x.example/1.png"],
    aspect_ratio="16:9",
    resolution="720p",
    duration_seconds=5,
    audio=False,
)


def account(
    reply: object = None, *, status: int = 200, webhook_key: str = "", requests: list[httpx.Request] | None = None
) -> Kling:
    """An account whose calls all get this JSON as the answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        return httpx.Response(status, json=reply)

    settings = ProviderSettings(api_key=SecretStr("key"), webhook_key=SecretStr(webhook_key))
    return Kling("kling", settings, Transport(http=httpx.MockTransport(answer)), clock=lambda: float(NOW))


def submit(kling: Kling, *, callback_url: str | None = None) -> str:
    request = ProviderRequest(REMOTE.model, INPUTS)
    created = kling.submit(request, callback_url=callback_url, generation_id=GENERATION_ID, fence=lambda: None)
    return created.remote_id


def error_of(call: Callable[[], object]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        call()
    return caught.value


def state_of(**fields: Any) -> RemoteState:
    return to_state(Record.model_validate({"id": "8812", **fields}))


def listing(*tasks: object) -> dict[str, object]:
    return {"code": 0, "message": "SUCCEED", "data": list(tasks)}


def refused(code: int, message: str = "no") -> dict[str, object]:
    return {"code": code, "message": message, "request_id": "r1"}


def test_the_create_request() -> None:
    requests: list[httpx.Request] = []
    kling = account({"code": 0, "message": "SUCCEED", "data": {"id": "8812", "status": "submitted"}}, requests=requests)
    assert submit(kling, callback_url="https://gw.example/callbacks/kling/1?t=x") == "8812"
    url = "https://api-singapore.klingai.com/text-to-video/kling-3.0"
    assert (requests[0].method, str(requests[0].url)) == ("POST", url)
    assert requests[0].headers["authorization"] == "Bearer key"
    assert json.loads(requests[0].content) == {
        "prompt": PROMPT,
        "settings": {
            "resolution": "720p",
            "aspect_ratio": "16:9",
            "duration": 5,
            "audio": "off",
            "multi_shot": False,
        },
        "options": {
            "callback_url": "https://gw.example/callbacks/kling/1?t=x",
            "external_task_id": str(GENERATION_ID),
        },
    }


def test_an_image_is_the_first_frame_and_decides_the_aspect_ratio() -> None:
    inputs = INPUTS.model_copy(update={"audio": True})
    assert to_body("image-to-video/kling-3.0", inputs, external_id="1", callback_url=None) == {
        "contents": [{"type": "prompt", "text": PROMPT}, {"type": "first_frame", "url": "https://x.example/1.png"}],
        "settings": {"resolution": "720p", "duration": 5, "audio": "native", "multi_shot": False},
        "options": {"external_task_id": "1"},
    }


def test_a_second_image_is_the_last_frame() -> None:
    urls = ["https://x.example/1.png", "https://x.example/2.png"]
    inputs = INPUTS.model_copy(update={"image_urls": urls, "resolution": "4k"})
    body = to_body("image-to-video/kling-3.0", inputs, external_id="1", callback_url=None)
    assert body["contents"] == [
        {"type": "prompt", "text": PROMPT},
        {"type": "first_frame", "url": urls[0]},
        {"type": "last_frame", "url": urls[1]},
    ]
    assert body["settings"] == {"resolution": "4k", "duration": 5, "audio": "off", "multi_shot": False}


@pytest.mark.parametrize("version", ["kling-3.0-turbo", "kling-2.5-turbo"])
@pytest.mark.parametrize("kind", ["text-to-video", "image-to-video"])
def test_a_turbo_model_gets_no_audio_field(kind: str, version: str) -> None:
    settings = to_body(f"{kind}/{version}", INPUTS, external_id="1", callback_url=None)["settings"]
    assert isinstance(settings, dict)
    assert "audio" not in settings


@pytest.mark.parametrize("kind", ["text-to-video", "image-to-video"])
def test_2_6_always_makes_1080p_because_only_that_has_sound(kind: str) -> None:
    settings = to_body(f"{kind}/kling-2.6", INPUTS, external_id="1", callback_url=None)["settings"]
    assert isinstance(settings, dict)
    assert (settings["resolution"], settings["audio"]) == ("1080p", "off")


def test_omni_gets_images_with_ids_for_the_prompt() -> None:
    inputs = INPUTS.model_copy(update={"image_urls": ["https://x.example/1.png", "https://x.example/2.png"]})
    assert to_body("omni-video/kling-3.0-omni", inputs, external_id="1", callback_url=None) == {
        "contents": [
            {"type": "prompt", "text": PROMPT},
            {"type": "refer_image", "url": "https://x.example/1.png", "id": "image_1"},
            {"type": "refer_image", "url": "https://x.example/2.png", "id": "image_2"},
        ],
        "settings": {"resolution": "720p", "aspect_ratio": "16:9", "duration": 5, "audio": "off", "multi_shot": False},
        "options": {"external_task_id": "1"},
    }


def test_omni_changes_a_video_and_can_keep_its_sound() -> None:
    requests: list[httpx.Request] = []
    kling = account({"code": 0, "message": "SUCCEED", "data": {"id": "8812", "status": "submitted"}}, requests=requests)
    inputs = INPUTS.model_copy(update={"video_urls": ["https://x.example/1.mp4"], "image_urls": [], "audio": True})
    request = ProviderRequest("omni-video/kling-3.0-omni#base_video", inputs)
    kling.submit(request, callback_url=None, generation_id=GENERATION_ID, fence=lambda: None)
    assert str(requests[0].url) == "https://api-singapore.klingai.com/omni-video/kling-3.0-omni"
    assert json.loads(requests[0].content) == {
        "contents": [
            {"type": "prompt", "text": PROMPT},
            {"type": "base_video", "url": "https://x.example/1.mp4", "id": "video_1"},
        ],
        "settings": {"resolution": "720p", "duration": 5, "audio": "original", "multi_shot": False},
        "options": {"external_task_id": str(GENERATION_ID)},
    }


def test_omitted_inputs_are_not_sent() -> None:
    body = to_body("text-to-video/kling-3.0", Inputs(prompt="p"), external_id="1", callback_url=None)
    assert body == {"prompt": "p", "settings": {"multi_shot": False}, "options": {"external_task_id": "1"}}


@pytest.mark.parametrize(
    "model", ["text-to-video/kling-1.6", "omni-video/kling-3.0", "kling-3.0", "tasks", "text-to-video/kling-3.0#x"]
)
def test_an_unknown_model_of_an_old_order_is_rejected(model: str) -> None:
    with pytest.raises(ProviderRejected, match=rf"kling's model {model} is not served any more"):
        to_body(model, INPUTS, external_id="1", callback_url=None)


CODES: dict[int, tuple[type[ProviderError], type[ProviderError]]] = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004), (ProviderAuthFailed, ProviderAuthFailed)),
    **dict.fromkeys((1100, 1103, 1304), (ProviderAuthFailed, ProviderAuthFailed)),
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
    assert type(error_of(lambda: submit(account(refused(code), status=status)))) is of_create
    for read in (lambda: account(refused(code), status=status).poll(REMOTE), lambda: found(refused(code))):
        assert type(error_of(read)) is of_read


@pytest.mark.parametrize("code", [1300, 1301])
def test_a_policy_refusal_is_content_rejected(code: int) -> None:
    error = error_of(lambda: submit(account(refused(code, f"no '{PROMPT}'"), status=400)))
    assert error.code is ErrorCode.CONTENT_REJECTED
    assert error.message.endswith(f"(code {code}): no '[…]'")


@pytest.mark.parametrize(
    "reply",
    [
        {"code": 0, "message": "SUCCEED"},
        {"code": 0, "data": {"id": ""}},
        {"code": 0, "data": {"id": "1,2"}},
        {"code": 0, "data": {"task_id": "8812"}},
        {"code": 1201, "message": "?", "data": {"id": "8812"}},
        {"data": {"id": "8812"}},
        {},
        [],
    ],
)
def test_a_create_that_may_have_been_accepted_is_an_unknown_outcome(reply: object) -> None:
    assert type(error_of(lambda: submit(account(reply)))) is ProviderOutcomeUnknown


@pytest.mark.parametrize(
    "message",
    [
        "external_task_id already exists",
        "The External Task ID must be unique",
        "duplicate externalTaskId",
        "external_id is taken",
        f"{GENERATION_ID} is taken",
    ],
)
def test_a_used_external_id_is_an_unknown_outcome(message: str) -> None:
    assert type(error_of(lambda: submit(account(refused(1201, message), status=400)))) is ProviderOutcomeUnknown


def test_another_invalid_request_is_a_rejection() -> None:
    assert not names_the_external_id("settings.duration must be 3 to 15; an external link is no idea", "8f1c")


def found(reply: object) -> AcceptedCreate | None:
    return account(reply).look_up(GENERATION_ID)


def test_a_look_up_searches_for_our_id() -> None:
    requests: list[httpx.Request] = []
    task = {"id": "8812", "status": "processing", "external_id": str(GENERATION_ID)}
    assert account(listing(task), requests=requests).look_up(GENERATION_ID) == AcceptedCreate("8812")
    url = f"https://api-singapore.klingai.com/tasks?external_task_ids={GENERATION_ID}"
    assert (requests[0].method, str(requests[0].url)) == ("GET", url)


def test_a_look_up_returns_the_task_with_our_id() -> None:
    task = {"id": "8812", "status": "processing"}
    assert found(listing()) is None
    assert found(listing(task)) == AcceptedCreate("8812")


@pytest.mark.parametrize(
    "reply",
    [
        listing({"id": "8812", "status": "processing"}, {"id": "8813", "status": "processing"}),
        listing({"id": "8812", "status": "processing", "external_id": "another"}),
        listing({"status": "processing", "external_id": str(GENERATION_ID)}),
    ],
)
def test_a_look_up_refuses_another_task(reply: object) -> None:
    assert type(error_of(lambda: found(reply))) is ProviderBadResponse


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (listing(), ProviderRejected),
        (listing({"id": "8813", "status": "succeeded"}), ProviderBadResponse),
        (listing({"message": "busy"}), ProviderBadResponse),
        ({"code": 0, "data": None}, ProviderBadResponse),
        ({"status": "succeeded"}, ProviderUnavailable),
    ],
)
def test_a_read_without_a_usable_record(reply: object, expected: type[ProviderError]) -> None:
    assert type(error_of(lambda: account(reply).poll(REMOTE))) is expected


def test_a_poll_finds_the_task_in_a_list() -> None:
    reply = listing({"id": "8811", "status": "failed"}, {"id": "8812", "status": "processing"})
    assert account(reply).poll(REMOTE) == RemoteState(RemoteStatus.RUNNING)


def test_states() -> None:
    assert state_of(status="submitted") == RemoteState(RemoteStatus.QUEUED)
    assert state_of(status="processing", outputs=[], billing=[]) == RemoteState(RemoteStatus.RUNNING)


@pytest.mark.parametrize("outputs", [None, [], [{"type": "image", "url": "https://x.example/1.png"}]])
def test_success_without_a_video_is_a_failure(outputs: object) -> None:
    state = state_of(status="succeeded", outputs=outputs)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)


@pytest.mark.parametrize("outputs", ["x.example", [{"type": "video", "url": "javascript:1"}], [{"id": "v1"}]])
def test_a_result_without_a_link_fails_at_once(outputs: object) -> None:
    state = state_of(status="succeeded", outputs=outputs)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)


def test_an_output_whose_type_is_no_text_is_a_result() -> None:
    state = state_of(status="succeeded", outputs=[{"type": ["video"], "url": "https://x.example/1.mp4"}])
    assert state.result_urls == ["https://x.example/1.mp4"]


def test_a_single_record_needs_no_list_and_no_id() -> None:
    task = {"status": "succeeded", "outputs": [{"url": "https://x.example/1.mp4"}]}
    for data in (task, [task]):
        state = account({"code": 0, "data": data}).poll(REMOTE)
        assert state.result_urls == ["https://x.example/1.mp4"]


@pytest.mark.parametrize(
    ("billing", "units"),
    [
        ([{"charge_type": "unit", "amount": "3", "package_type": "video"}], Decimal(3)),
        ([{"charge_type": "unit", "amount": "0.6"}, {"charge_type": "unit", "amount": 2}], Decimal("2.6")),
        ([{"charge_type": "money", "amount": "1"}], None),
        ([{"charge_type": "unit", "amount": "much"}], None),
        ([], None),
        (None, None),
    ],
)
def test_only_charges_in_units_count_and_an_unreadable_charge_keeps_the_result(
    billing: object, units: Decimal | None
) -> None:
    state = state_of(status="succeeded", outputs=[{"type": "video", "url": "https://x.example/1.mp4"}], billing=billing)
    assert (state.status, state.provider_credits) == (RemoteStatus.SUCCEEDED, units)


@pytest.mark.parametrize(
    "body",
    [
        {"id": "8812", "status": "processing", "message": "", "outputs": []},
        {"task_id": "8812", "task_status": "succeed", "task_result": {"videos": []}},
        {"code": 0, "message": "SUCCEED", "data": {"id": "8812", "status": "succeeded"}},
        {"code": 0, "message": "SUCCEED", "data": {"task_id": "8812", "task_status": "succeed"}},
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


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"[" * 100_000, b'"8812"', b'{"id":""}', b'{"id":"1,2"}', b'{"data":"8812"}'],
)
def test_a_callback_without_a_usable_task_is_refused(body: bytes) -> None:
    with pytest.raises(CallbackRefused, match=r"names a task|more than 10000 values"):
        account().read_callback({}, body)


def test_an_invalid_webhook_secret_refuses_every_callback() -> None:
    with pytest.raises(CallbackRefused, match="is not a Standard Webhooks secret"):
        account(webhook_key="a key of Kie's!").read_callback({}, b'{"id":"8812"}')
