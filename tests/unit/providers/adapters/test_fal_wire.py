import base64
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from Crypto.Signature import eddsa
from pydantic import SecretStr
from structlog.testing import capture_logs

from providers.account import Account
from providers.adapters.fal.adapter import Fal
from providers.adapters.fal.inputs import to_input
from providers.adapters.fal.webhooks import read_keys, verify
from providers.adapters.fal.wire import request_path
from providers.base import (
    AcceptedCreate,
    AccountState,
    Cancellation,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
)
from providers.http.transport import Transport
from providers.webhooks.key_sets import AGAIN_SECONDS, KEPT_SECONDS
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
TEXT, IMAGE = "fal-ai/pika/v2.2/text-to-video", "fal-ai/pika/v2.2/image-to-video"
LONGCAT, STABLE = "fal-ai/longcat-video/text-to-video/720p", "fal-ai/stable-video"
LINK = "https://queue.fal.run/fal-ai/pika/requests/req_1"
LINKS = {"response": LINK, "status": f"{LINK}/status", "cancel": f"{LINK}/cancel"}
REMOTE = RemoteRef("req_1", TEXT, LINKS)
ACCEPTED = {
    "request_id": "req_1",
    "response_url": LINK,
    "status_url": f"{LINK}/status",
    "cancel_url": f"{LINK}/cancel",
    "status": "IN_QUEUE",
    "queue_position": 3,
}
NOW = 1_700_000_000.0

# A vector that another implementation of the scheme made: the private key is the bytes 00..1f.
VECTOR_KEYS = json.dumps(
    {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"}]}
).encode()
VECTOR_BODY = b'{"status":"OK"}'
VECTOR = {
    "x-fal-webhook-request-id": "req_1",
    "x-fal-webhook-user-id": "user_1",
    "x-fal-webhook-timestamp": "1700000000",
    "x-fal-webhook-signature": "ec04cd7496561a5ea36de7208c474673a57bc9f06c6675d15c3a020e74938387"
    "3be31f50641cbf50e026fa91455b5c14741ded9639bcac79ba1afbfb6577f508",
}

Answer = tuple[int, object]


def account(
    *answers: Answer,
    requests: list[httpx.Request] | None = None,
    known_keys: bytes | None = None,
    base_url: str = "",
    clock: Callable[[], float] = lambda: NOW,
) -> Fal:
    """An account whose calls are answered with these, one after the other; the last one stays."""
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        status, body = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(status, content=body) if isinstance(body, bytes) else httpx.Response(status, json=body)

    settings = ProviderSettings(api_key=SecretStr("fal_key"), base_url=base_url)
    return Fal("fal", settings, Transport(http=httpx.MockTransport(answer)), clock=clock, known_keys=known_keys)


def submit(fal: Fal, *, callback_url: str | None = None) -> AcceptedCreate:
    inputs = Inputs(prompt=PROMPT, resolution="720p", duration_seconds=5, aspect_ratio="16:9")
    return fal.submit(
        ProviderRequest(TEXT, inputs), callback_url=callback_url, generation_id=uuid4(), fence=lambda: None
    )


def progress(status: str = "COMPLETED", **fields: Any) -> Answer:
    return 200, {"status": status, "request_id": "req_1", **fields}


INPUTS = Inputs(
    prompt="p",
    image_urls=["https://x.example/1.png"],
    aspect_ratio="16:9",
    resolution="720p",
    duration_seconds=10,
    audio=True,
    output_format="jpeg",
)
WRITTEN: dict[str, dict[str, object]] = {
    TEXT: {"prompt": "p", "aspect_ratio": "16:9", "resolution": "720p", "duration": "10"},
    IMAGE: {"prompt": "p", "image_url": "https://x.example/1.png", "resolution": "720p", "duration": "10"},
    LONGCAT: {"prompt": "p", "aspect_ratio": "16:9", "num_frames": 300, "fps": 30},
    STABLE: {"image_url": "https://x.example/1.png", "fps": 2},
}


@pytest.mark.parametrize("model", WRITTEN)
def test_the_fields_of_each_model(model: str) -> None:
    assert to_input(model, INPUTS) == WRITTEN[model]


def test_omitted_inputs_are_not_sent() -> None:
    assert to_input(IMAGE, Inputs(prompt="p")) == {"prompt": "p"}
    assert to_input(STABLE, Inputs(prompt="p")) == {}


def test_an_unknown_model_of_an_old_order_is_rejected() -> None:
    with pytest.raises(ProviderRejected, match="fal's model fal-ai/pika/v1 is not served any more"):
        to_input("fal-ai/pika/v1", INPUTS)


def test_the_create_request() -> None:
    requests: list[httpx.Request] = []
    url = "https://gw.example/callbacks/fal/1?t=x&y=z"
    assert submit(account((200, ACCEPTED), requests=requests), callback_url=url) == AcceptedCreate(
        "req_1", LINKS, ahead=3
    )
    (request,) = requests
    assert (request.method, request.url.host, request.url.path) == ("POST", "queue.fal.run", f"/{TEXT}")
    assert dict(request.url.params) == {"fal_webhook": url}
    assert request.headers["authorization"] == "Key fal_key"
    assert json.loads(request.content) == {
        "prompt": PROMPT,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "duration": "5",
    }


def test_without_a_callback_url_no_webhook_is_requested() -> None:
    requests: list[httpx.Request] = []
    submit(account((200, ACCEPTED), requests=requests))
    assert str(requests[0].url) == f"https://queue.fal.run/{TEXT}"


@pytest.mark.parametrize(
    "link",
    [None, 7, "", "ftp://queue.fal.run/1", f"{LINK}\x00", f"{LINK}\n", f"{LINK} x", f"{LINK}/{'x' * 3000}", f"{LINK}é"],
)
def test_a_malformed_link_is_ignored_and_the_create_accepted(link: object) -> None:
    links = submit(account((200, {**ACCEPTED, "cancel_url": link}))).links
    assert links == {name: url for name, url in LINKS.items() if name != "cancel"}


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (200, {}),
        (200, []),
        (200, {**ACCEPTED, "request_id": ""}),
        (200, {**ACCEPTED, "request_id": "../account"}),
        (200, {**ACCEPTED, "request_id": "r" * 201}),
        (302, ACCEPTED),
        (422, ACCEPTED),
        (500, ACCEPTED),
    ],
)
def test_a_create_that_may_have_been_accepted_is_an_unknown_outcome(status: int, reply: object) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        submit(account((status, reply)))


def refusal(kind: str, text: str = "no") -> dict[str, object]:
    return {"detail": [{"loc": ["body", "prompt"], "msg": text, "type": kind}]}


@pytest.mark.parametrize(
    ("status", "reply", "text", "code"),
    [
        (422, refusal("missing", f"'{PROMPT}' is dull"), ": '[…]' is dull", ErrorCode.PROVIDER_REJECTED),
        (422, refusal("content_policy_violation"), ": no", ErrorCode.CONTENT_REJECTED),
        (
            400,
            refusal("file_download_error", "https://x.example/1 fal_key"),
            ": [link] […]",
            ErrorCode.INPUT_UNREADABLE,
        ),
        (404, {"detail": "Application not found"}, ": Application not found", ErrorCode.PROVIDER_REJECTED),
        (422, {"detail": []}, "", ErrorCode.PROVIDER_REJECTED),
        (422, {"detail": 7}, "", ErrorCode.PROVIDER_REJECTED),
        (422, "no", "", ErrorCode.PROVIDER_REJECTED),
    ],
)
def test_the_text_of_a_rejection_is_quoted_without_secrets(
    status: int, reply: object, text: str, code: ErrorCode
) -> None:
    with pytest.raises(ProviderRejected) as caught:
        submit(account((status, reply)))
    assert (caught.value.message, caught.value.code) == (f"fal answered submit with HTTP {status}{text}", code)


def test_polls_and_cancels_use_the_stored_links() -> None:
    requests: list[httpx.Request] = []
    remote = RemoteRef("req_1", TEXT, {name: f"{link}?shard=7" for name, link in LINKS.items()})
    fal = account(progress(), (200, {}), progress("IN_PROGRESS"), (202, {"status": "OK"}), requests=requests)
    fal.poll(remote)
    fal.cancel(remote)
    assert [(request.method, str(request.url)) for request in requests] == [
        ("GET", f"{LINK}/status?shard=7"),
        ("GET", f"{LINK}?shard=7"),
        ("GET", f"{LINK}/status?shard=7"),
        ("PUT", f"{LINK}/cancel?shard=7"),
    ]
    assert {request.headers["authorization"] for request in requests} == {"Key fal_key"}


@pytest.mark.parametrize(
    "link",
    [
        "https://queue.fal.run.evil.example/status",
        "https://queue.fal.run@evil.example/status",
        "https://queue.fal.run:8443/status",
        "http://queue.fal.run/status",
        "https://evil.example/https://queue.fal.run/status",
        "https://queue.fal.run",
    ],
)
def test_our_key_is_sent_only_to_the_accounts_address(link: str) -> None:
    requests: list[httpx.Request] = []
    account(progress("IN_QUEUE"), requests=requests).poll(RemoteRef("req_1", TEXT, {"status": link}))
    assert [str(request.url) for request in requests] == [f"{LINK}/status"]


def test_a_link_is_used_below_a_base_url_with_a_path() -> None:
    settings = ProviderSettings(api_key=SecretStr("k"), base_url="http://127.0.0.1:8090/fal/")
    transport = Transport()
    stand_in = Account("fal", settings, transport, Fal.profile)
    transport.close()
    assert stand_in.path_of("http://127.0.0.1:8090/fal/a/b/requests/1?x=y") == "/a/b/requests/1?x=y"
    assert stand_in.path_of("http://127.0.0.1:8090/falsified/a/b") is None


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (TEXT, "/fal-ai/pika/requests/r/status"),
        (STABLE, "/fal-ai/stable-video/requests/r/status"),
        ("workflows/me/mine", "/workflows/me/mine/requests/r/status"),
        ("comfy/me/mine/more", "/comfy/me/mine/requests/r/status"),
    ],
)
def test_without_links_the_documented_path_is_used(model: str, path: str) -> None:
    assert request_path(model, "r", "status") == path


@pytest.mark.parametrize(("position", "ahead"), [(0, 0), (7, 7), (-1, None), ("soon", None), (10**12, None)])
def test_the_place_in_fals_queue(position: object, ahead: int | None) -> None:
    _, answer = progress("IN_QUEUE")
    assert isinstance(answer, dict)
    state = account((202, {**answer, "queue_position": position})).poll(REMOTE)
    assert state == RemoteState(RemoteStatus.QUEUED, ahead=ahead)


@pytest.mark.parametrize(("word", "status"), [("IN_QUEUE", RemoteStatus.QUEUED), ("IN_PROGRESS", RemoteStatus.RUNNING)])
@pytest.mark.parametrize("http_status", [200, 202])
def test_states(word: str, status: RemoteStatus, http_status: int) -> None:
    assert account((http_status, {"status": word, "logs": None})).poll(REMOTE) == RemoteState(status)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"error": "Request timed out", "error_type": "request_timeout"},
            "fal could not generate it (request_timeout): Request timed out",
        ),
        ({"error": "see https://x.example/ fal_key"}, "fal could not generate it: see [link] […]"),
        ({"error": {"a": 1}}, "fal could not generate it: no reason given"),
        ({"error_type": "startup_timeout"}, "fal could not generate it (startup_timeout): no reason given"),
    ],
)
def test_a_completed_request_with_an_error_is_a_failure(fields: dict[str, Any], message: str) -> None:
    requests: list[httpx.Request] = []
    state = account(progress(**fields), requests=requests).poll(REMOTE)
    expected = RemoteState(RemoteStatus.FAILED, error_code=ErrorCode.PROVIDER_FAILED, error_message=message)
    assert (state, len(requests)) == (expected, 1)


@pytest.mark.parametrize(
    ("status", "reply", "code"),
    [
        (422, refusal("content_policy_violation"), ErrorCode.CONTENT_REJECTED),
        (422, refusal("image_load_error"), ErrorCode.INPUT_UNREADABLE),
        (422, refusal("greater_than"), ErrorCode.PROVIDER_REJECTED),
        (400, refusal("downstream_service_error"), ErrorCode.PROVIDER_FAILED),
        (500, refusal("internal_server_error"), ErrorCode.PROVIDER_FAILED),
        (504, refusal("generation_timeout"), ErrorCode.PROVIDER_FAILED),
        (504, {"detail": "no", "error_type": "request_timeout"}, ErrorCode.PROVIDER_FAILED),
    ],
)
def test_a_result_with_a_models_error_is_a_failure(status: int, reply: object, code: ErrorCode) -> None:
    state = account(progress(), (status, reply)).poll(REMOTE)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, code)
    assert str(state.error_message).endswith("): no")


@pytest.mark.parametrize(
    "result",
    [
        {"video": "https://x.example/1.mp4"},
        {"video": [{"url": "https://x.example/1.mp4"}]},
        {"images": [{"url": "https://x.example/1.mp4", "width": 512}], "prompt": "https://x.example/prompt"},
        {"video": None, "image": {"url": "https://x.example/1.mp4"}},
        {"data": {"video": {"url": "https://x.example/1.mp4"}}},
        ["https://x.example/1.mp4"],
    ],
)
def test_a_result_in_another_form_is_found(result: object) -> None:
    assert account(progress(), (200, result)).poll(REMOTE).result_urls == ["https://x.example/1.mp4"]


@pytest.mark.parametrize("result", [[], "x", {"video": {"url": "file:///etc/passwd"}}, {"prompt": "https://x.example"}])
def test_a_result_without_a_link_fails_at_once(result: object) -> None:
    state = account(progress(), (200, result)).poll(REMOTE)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)


@pytest.mark.parametrize(
    ("status", "reply", "expected"),
    [
        (200, b"<html>", ProviderUnavailable),
        (400, {"detail": "Request is still in progress"}, ProviderRejected),
        (404, {"detail": "Request not found"}, ProviderRejected),
        (429, refusal("rate_limit"), ProviderRateLimited),
        (402, refusal("balance"), ProviderQuotaExceeded),
        (500, {"detail": "Internal Server Error"}, ProviderUnavailable),
        (502, b"<html>", ProviderUnavailable),
        (503, b"", ProviderUnavailable),
    ],
)
def test_an_unreadable_result_is_an_error_of_the_read(
    status: int, reply: object, expected: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as caught:
        account(progress(), (status, reply)).poll(REMOTE)
    assert type(caught.value) is expected


def test_a_result() -> None:
    state = account(progress(), (200, {"video": {"url": "https://v3.fal.media/1.mp4"}, "seed": 1})).poll(REMOTE)
    assert state == RemoteState(RemoteStatus.SUCCEEDED, result_urls=["https://v3.fal.media/1.mp4"])


@pytest.mark.parametrize("output", [{}, {"video": None}, {"images": []}])
def test_success_without_a_video_is_a_failure(output: object) -> None:
    state = account(progress(), (200, output)).poll(REMOTE)
    assert (state.status, state.error_message) == (RemoteStatus.FAILED, "fal reported success without a result")


QUEUED, RUNNING = progress("IN_QUEUE"), progress("IN_PROGRESS")


@pytest.mark.parametrize(
    ("before", "answer", "expected"),
    [
        (QUEUED, (202, {"status": "CANCELLATION_REQUESTED"}), Cancellation.STOPPED),
        (RUNNING, (202, {"status": "CANCELLATION_REQUESTED"}), Cancellation.REQUESTED),
        (QUEUED, (200, {"status": "OK"}), Cancellation.STOPPED),
        (RUNNING, (200, {"status": "OK"}), Cancellation.STOPPED),
        (QUEUED, (400, {"status": "ALREADY_COMPLETED"}), Cancellation.IMPOSSIBLE),
        (RUNNING, (400, {"status": "ALREADY_COMPLETED"}), Cancellation.IMPOSSIBLE),
    ],
)
def test_the_outcomes_of_a_cancel(before: Answer, answer: Answer, expected: Cancellation) -> None:
    assert account(before, answer).cancel(REMOTE) is expected


@pytest.mark.parametrize("fields", [{}, {"error": "no"}])
def test_finished_work_gets_no_cancel_call(fields: dict[str, Any]) -> None:
    requests: list[httpx.Request] = []
    assert account(progress(**fields), requests=requests).cancel(REMOTE) is Cancellation.IMPOSSIBLE
    assert [request.method for request in requests] == ["GET"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((404, {"status": "NOT_FOUND"}), ProviderRejected),
        ((202, {"status": "PERHAPS"}), ProviderBadResponse),
        ((202, b"<html>"), ProviderUnavailable),
        ((503, b""), ProviderUnavailable),
    ],
)
def test_a_cancel_without_a_usable_answer(answer: Answer, expected: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        account(QUEUED, answer).cancel(REMOTE)
    assert type(caught.value) is expected


def test_a_check_reads_an_unknown_request() -> None:
    requests: list[httpx.Request] = []
    assert account((404, {"detail": "not found"}), requests=requests).check() == AccountState()
    assert (requests[0].method, requests[0].url.path.split("/")[1:4]) == ("GET", ["fal-ai", "pika", "requests"])


def test_the_signature_is_that_of_the_reference_vector() -> None:
    (key,) = keys = read_keys(VECTOR_KEYS)
    verify(keys, VECTOR, VECTOR_BODY, now=NOW)
    other = eddsa.import_private_key(bytes(32)).public_key()
    # One matching key of several is enough.
    verify((other, key), VECTOR, VECTOR_BODY, now=NOW)
    for keys_, headers, body in (
        ((other,), VECTOR, VECTOR_BODY),
        (keys, VECTOR, VECTOR_BODY + b" "),
        (keys, {**VECTOR, "x-fal-webhook-request-id": "req_2"}, VECTOR_BODY),
        (keys, {**VECTOR, "x-fal-webhook-user-id": "user_2"}, VECTOR_BODY),
        (keys, {**VECTOR, "x-fal-webhook-timestamp": "1700000001"}, VECTOR_BODY),
        (keys, {**VECTOR, "x-fal-webhook-signature": "00" * 64}, VECTOR_BODY),
        (keys, {**VECTOR, "x-fal-webhook-signature": "ff" * 64}, VECTOR_BODY),
        (keys, {**VECTOR, "x-fal-webhook-signature": "zz"}, VECTOR_BODY),
        (keys, {}, VECTOR_BODY),
    ):
        with pytest.raises(CallbackRefused):
            verify(keys_, headers, body, now=NOW)


@pytest.mark.parametrize("now", [NOW - 301, NOW + 301])
def test_an_old_signature_is_refused(now: float) -> None:
    with pytest.raises(CallbackRefused, match="more than 300 s off"):
        verify(read_keys(VECTOR_KEYS), VECTOR, VECTOR_BODY, now=now)


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "OKP", "crv": "X25519", "x": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "ä"},
    ],
)
def test_a_key_of_another_type_is_ignored(entry: dict[str, str]) -> None:
    (good,) = json.loads(VECTOR_KEYS)["keys"]
    assert len(read_keys(json.dumps({"keys": [entry, good]}).encode())) == 1


@pytest.mark.parametrize("jwks", [b"", b"[]", b"{}", b'{"keys":{}}', b"<html>"])
def test_a_malformed_key_set_has_no_keys(jwks: bytes) -> None:
    assert read_keys(jwks) == ()


CALLBACK = b'{"request_id":"req_1","gateway_request_id":"gw_1","status":"OK","payload":{}}'


def patiently(condition: Callable[[], bool]) -> None:
    """Wait for the thread that fetches the keys, far longer than the fetch can take."""
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def is_refused(fal: Fal) -> bool:
    try:
        fal.read_callback(VECTOR, CALLBACK)
    except CallbackRefused:
        return True
    return False


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("", "https://rest.fal.ai/.well-known/jwks.json"),
        ("http://127.0.0.1:8090/fal/", "http://127.0.0.1:8090/fal/.well-known/jwks.json"),
    ],
)
def test_a_callback_without_known_keys_is_unverified_and_fetches_the_keys(base_url: str, address: str) -> None:
    requests: list[httpx.Request] = []
    fal = account((200, VECTOR_KEYS), requests=requests, base_url=base_url)
    assert fal.read_callback({}, CALLBACK).remote_id == "req_1"
    patiently(lambda: is_refused(fal))
    (request,) = requests
    assert (str(request.url), "authorization" in request.headers) == (address, False)


def test_a_failed_fetch_is_repeated_once_a_minute_and_blocks_no_callback() -> None:
    requests: list[httpx.Request] = []
    now = [NOW]
    fal = account((503, b""), (200, b"{}"), (200, VECTOR_KEYS), requests=requests, clock=lambda: now[0])
    for attempt in (1, 2):
        for _ in range(3):
            assert fal.read_callback({}, CALLBACK).remote_id == "req_1"
        patiently(lambda: len(requests) == attempt)  # noqa: B023 -- asked at once
        now[0] += AGAIN_SECONDS
    assert not is_refused(fal)
    patiently(lambda: is_refused(fal))
    assert len(requests) == 3


def test_a_wrong_signature_is_refused_and_fetches_the_keys() -> None:
    requests: list[httpx.Request] = []
    now = [NOW]
    new = eddsa.import_private_key(bytes(32)).public_key().export_key(format="raw")
    x = base64.urlsafe_b64encode(new).decode().rstrip("=")
    jwks = {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]}
    fal = account((200, VECTOR_KEYS), requests=requests, known_keys=json.dumps(jwks).encode(), clock=lambda: now[0])
    with pytest.raises(CallbackRefused, match="signature is wrong"):
        fal.read_callback(VECTOR, VECTOR_BODY)
    assert requests == [], "the set is a moment old"
    now[0] += AGAIN_SECONDS

    def verifies() -> bool:
        try:
            fal.read_callback(VECTOR, VECTOR_BODY)
        except CallbackRefused as error:
            # The vector's body names no request.
            return str(error) == "the body is not a webhook of fal's"
        return False

    patiently(verifies)
    assert len(requests) == 1


def test_old_keys_are_not_used() -> None:
    requests: list[httpx.Request] = []
    now = [NOW]
    fal = account((503, b""), requests=requests, known_keys=VECTOR_KEYS, clock=lambda: now[0])
    now[0] += KEPT_SECONDS
    assert is_refused(fal)
    now[0] += 1
    assert not is_refused(fal)
    patiently(lambda: len(requests) == 1)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"request_id":"a/b"}', b'{"gateway_request_id":"r"}'])
def test_a_callback_that_names_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(CallbackRefused, match="not a webhook of fal's"):
        account((200, VECTOR_KEYS)).read_callback({}, body)


def test_links_are_not_logged() -> None:
    with capture_logs() as lines:
        created = submit(account((200, ACCEPTED)))
        account(progress("IN_QUEUE")).poll(REMOTE)
    assert LINK not in repr((lines, created, REMOTE))


def headed(status: int, reply: object, kind: str) -> Fal:
    """An account whose results are this answer, with the type of the error in a header."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/status"):
            return httpx.Response(200, json={"status": "COMPLETED", "request_id": "req_1"})
        return httpx.Response(status, json=reply, headers={"X-Fal-Error-Type": kind})

    settings = ProviderSettings(api_key=SecretStr("key"))
    return Fal("fal", settings, Transport(http=httpx.MockTransport(answer)), known_keys=None)


@pytest.mark.parametrize("detail", ["no", ["no"], [{"msg": "no"}], {"message": "no"}])
def test_a_header_can_name_the_type_of_an_error(detail: object) -> None:
    fal = headed(422, {"detail": detail}, "content_policy_violation")
    state = fal.poll(REMOTE)
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.CONTENT_REJECTED)
    assert state.error_message == "fal could not generate it (content_policy_violation): no"


def test_the_body_wins_over_the_header() -> None:
    state = headed(422, refusal("file_download_error"), "content_policy_violation").poll(REMOTE)
    assert state.error_code is ErrorCode.INPUT_UNREADABLE


@pytest.mark.parametrize("error", ["no", ["no"], {"message": "no"}])
@pytest.mark.parametrize("status", ["COMPLETED", "ERROR", "failed"])
def test_a_failure_in_another_form_is_a_failure(status: str, error: object) -> None:
    state = account(progress(status, error=error)).poll(REMOTE)
    assert (state.status, state.error_message) == (RemoteStatus.FAILED, "fal could not generate it: no")
