import base64
import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from providers.adapters.openai_images.adapter import OpenAIImages
from providers.adapters.openai_images.wire import to_body
from providers.base import (
    STORED_FILE,
    AcceptedCreate,
    AccountState,
    Cancellation,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
    ResultRequest,
)
from providers.http.transport import MAX_REPLY_BYTES, Transport
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused
from schemas.orders import Inputs
from schemas.provider_errors import (
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings

PROMPT = "a lighthouse in fog"
INPUTS = Inputs(prompt=PROMPT, aspect_ratio="16:9", output_format="png")
GENERATION_ID = UUID("8f1c0000-0000-4000-8000-000000000000")
BASE_URL = "https://gw.example/v1"
LINK = "https://media.example/1.png?sig=a%2Fb"


def account(
    reply: object = None,
    *,
    status: int = 200,
    requests: list[httpx.Request] | None = None,
    timeout_seconds: float | None = None,
) -> OpenAIImages:
    """An account whose calls all get this JSON as the answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        return httpx.Response(status, json=reply)

    limit = {} if timeout_seconds is None else {"timeout_seconds": timeout_seconds}
    settings = ProviderSettings(api_key=SecretStr("sk-key"), base_url=f"{BASE_URL}/", **limit)
    return OpenAIImages("mygateway", settings, Transport(http=httpx.MockTransport(answer)))


def submit(pictures: OpenAIImages) -> AcceptedCreate:
    return pictures.submit(
        ProviderRequest("dall-e-3", INPUTS),
        callback_url="https://gw.example/callbacks/1",
        generation_id=GENERATION_ID,
        fence=lambda: None,
    )


def pictures(*data: dict[str, Any]) -> dict[str, Any]:
    return {"created": 1_700_000_000, "data": list(data)}


def problem(message: object = None, code: object = None, type_: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": type_, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("aspect_ratio", "size"),
    [
        ("1:1", "1024x1024"),
        ("16:9", "1792x1024"),
        ("9:16", "1024x1792"),
    ],
)
def test_sizes_of_a_model_that_returns_links(aspect_ratio: str, size: str) -> None:
    assert to_body("dall-e-3", INPUTS.model_copy(update={"aspect_ratio": aspect_ratio})) == {
        "model": "dall-e-3",
        "prompt": PROMPT,
        "n": 1,
        "size": size,
        "response_format": "url",
    }


@pytest.mark.parametrize(
    ("aspect_ratio", "size"),
    [
        ("1:1", "1024x1024"),
        ("3:2", "1536x1024"),
        ("2:3", "1024x1536"),
        ("16:9", "1536x864"),
        ("9:16", "864x1536"),
    ],
)
def test_sizes_of_a_model_that_returns_images(aspect_ratio: str, size: str) -> None:
    inputs = INPUTS.model_copy(update={"aspect_ratio": aspect_ratio, "output_format": "jpeg"})
    assert to_body("gpt-image-2.5-flare", inputs) == {
        "model": "gpt-image-2.5-flare",
        "prompt": PROMPT,
        "n": 1,
        "size": size,
        "output_format": "jpeg",
        "quality": "high",
    }


@pytest.mark.parametrize("aspect_ratio", ["4:3", "auto", None])
def test_an_unknown_size_is_rejected(aspect_ratio: str | None) -> None:
    with pytest.raises(ProviderRejected, match="makes no picture"):
        to_body("dall-e-3", INPUTS.model_copy(update={"aspect_ratio": aspect_ratio}))


def test_the_create_request() -> None:
    requests: list[httpx.Request] = []
    submit(account(pictures({"url": LINK}), requests=requests))
    (request,) = requests
    assert (request.method, str(request.url)) == ("POST", f"{BASE_URL}/images/generations")
    assert request.headers["authorization"] == "Bearer sk-key"
    assert json.loads(request.content) == to_body("dall-e-3", INPUTS)


def test_the_link_is_stored_with_our_id() -> None:
    accepted = submit(account(pictures({"url": LINK, "revised_prompt": "a tall lighthouse"})))
    assert accepted.remote_id == str(GENERATION_ID)
    requests: list[httpx.Request] = []
    later = account(requests=requests).poll(RemoteRef(accepted.remote_id, "dall-e-3", accepted.links))
    assert later == RemoteState(RemoteStatus.SUCCEEDED, result_urls=[LINK])
    assert requests == []


def test_the_link_is_not_logged() -> None:
    assert LINK not in repr(submit(account(pictures({"url": LINK}))))


def test_a_poll_without_the_link_is_rejected() -> None:
    with pytest.raises(ProviderRejected, match="keeps no pictures"):
        account().poll(RemoteRef(str(GENERATION_ID), "dall-e-3"))


@pytest.mark.parametrize("size", [8, 100, 3000, MAX_REPLY_BYTES + 1])
@pytest.mark.parametrize("beside", [{}, {"url": None}])
def test_an_image_in_the_answer_is_kept(beside: dict[str, Any], size: int) -> None:
    picture = bytes(size)
    told = {**beside, "b64_json": base64.b64encode(picture).decode()}
    accepted = submit(account(pictures(told)))
    assert accepted == AcceptedCreate(str(GENERATION_ID), file=picture, is_finished=True)
    stored = RemoteRef(accepted.remote_id, "dall-e-3", {STORED_FILE: "stored:1"})
    assert account().poll(stored) == RemoteState(RemoteStatus.SUCCEEDED, result_urls=["stored:1"])


@pytest.mark.parametrize(
    "picture",
    [
        {"url": "a picture"},
        {"url": f"https://media.example/{'x' * 8000}"},
        {"url": "data:image/png;base64,"},
        {"url": 7},
        {"b64_json": ""},
        {"b64_json": "not base64!"},
        {},
    ],
)
def test_an_answer_without_an_image_and_a_link_fails_at_once(picture: dict[str, Any]) -> None:
    for answer in (pictures(picture), pictures()):
        with pytest.raises(ProviderRejected, match="neither a link to the picture nor the picture itself") as caught:
            submit(account(answer))
        assert caught.value.code is ErrorCode.PROVIDER_FAILED


@pytest.mark.parametrize("error", ["no", ["no"], {"message": "no"}, {"code": 7, "message": ["no"]}])
@pytest.mark.parametrize("member", ["error", "detail"])
def test_an_error_with_the_status_200_is_a_rejection(member: str, error: object) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account({member: error}))
    assert caught.value.code is ErrorCode.PROVIDER_FAILED
    assert caught.value.message.endswith("answered submit with an error: no")


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (200, {}),
        (200, []),
        (200, {"data": "none"}),
        (302, pictures({"url": LINK})),
        (400, pictures({"url": LINK})),
        (500, problem("The server had an error", type_="server_error")),
    ],
)
def test_a_create_that_may_have_been_billed_is_an_unknown_outcome(status: int, reply: object) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(account(reply, status=status))


REFUSALS: list[tuple[int, object, type[ProviderError], ErrorCode]] = [
    (400, problem("no", "moderation_blocked"), ProviderRejected, ErrorCode.CONTENT_REJECTED),
    (400, problem("no"), ProviderRejected, ErrorCode.PROVIDER_REJECTED),
    (404, problem("no", "model_not_found"), ProviderUnavailable, ErrorCode.PROVIDER_UNAVAILABLE),
    (429, problem("no", type_="insufficient_quota"), ProviderQuotaExceeded, ErrorCode.PROVIDER_QUOTA_EXCEEDED),
    (429, problem("slow down"), ProviderRateLimited, ErrorCode.PROVIDER_UNAVAILABLE),
]


@pytest.mark.parametrize(("status", "reply", "family", "code"), REFUSALS)
def test_a_refused_create(status: int, reply: object, family: type[ProviderError], code: ErrorCode) -> None:
    with pytest.raises(ProviderError) as caught:
        submit(account(reply, status=status))
    assert (type(caught.value), caught.value.code) == (family, code)


def test_the_text_of_a_rejection_is_quoted_without_secrets() -> None:
    text = f"'{PROMPT}' is dull, see https://x.example/sk-key\nnow"
    with pytest.raises(ProviderRejected) as caught:
        submit(account(problem(text), status=400))
    assert caught.value.message == "mygateway answered submit with HTTP 400: '[…]' is dull, see [link] now"


def test_a_create_has_the_time_limit_of_the_profile_or_the_operator() -> None:
    limits: list[float] = []
    for given in (None, 20):
        requests: list[httpx.Request] = []
        submit(account(pictures({"url": LINK}), requests=requests, timeout_seconds=given))
        limits.append(requests[0].extensions["timeout"]["read"])
    assert limits == [180, 20]


def test_our_key_is_sent_only_to_the_gateway() -> None:
    gateway = account()
    link = f"{BASE_URL}/files/1.png"
    assert gateway.result_request(link) == ResultRequest(link, headers={"Authorization": "Bearer sk-key"})
    assert gateway.result_request(LINK) == ResultRequest(LINK)


def test_a_check_lists_the_models() -> None:
    requests: list[httpx.Request] = []
    listing = {"object": "list", "data": [{"id": "dall-e-3", "object": "model"}]}
    assert account(listing, requests=requests).check() == AccountState()
    assert [(request.method, str(request.url)) for request in requests] == [("GET", f"{BASE_URL}/models")]


def test_a_check_of_a_wrong_address_suggests_the_usual_ending() -> None:
    with pytest.raises(ProviderRejected, match="no models at this address, which mostly ends with /v1"):
        account({"detail": "Not Found"}, status=404).check()


def test_look_ups_cancels_and_callbacks_are_unsupported() -> None:
    requests: list[httpx.Request] = []
    gateway = account(pictures({"url": LINK}), requests=requests)
    assert gateway.look_up(GENERATION_ID) is None
    assert gateway.cancel(RemoteRef(str(GENERATION_ID), "dall-e-3")) is Cancellation.IMPOSSIBLE
    with pytest.raises(CallbackRefused):
        gateway.read_callback({}, b"{}")
    assert requests == []
