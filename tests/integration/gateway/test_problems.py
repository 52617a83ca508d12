import json
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
import structlog
from starlette.responses import StreamingResponse

from api_gateway import create_app
from schemas.settings import Settings
from storage import customers
from storage.database import Database
from tests.integration.gateway.serving import logged, request_logs, serving
from tests.support import NewCustomer

PATH = "/v1/generations"


def _is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    body = answer.json()
    return (
        answer.headers["content-type"] == "application/problem+json"
        and (answer.status_code, body["status"], body["code"]) == (status, status, code)
        and body["type"] == f"urn:reelworks:problem:{code}"
        and bool(body["title"])
        and bool(body["detail"])
    )


def test_an_unknown_path(gateway: httpx.Client) -> None:
    assert _is_problem(gateway.get("/v1/nothing"), 404, "not_found")


def test_a_method_that_the_path_does_not_take(gateway: httpx.Client) -> None:
    answer = gateway.delete(PATH)

    assert _is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer rw_wrong"}, {"X-API-Key": "rw_wrong"}, {"Authorization": "Basic cnc6cnc="}],
)
@pytest.mark.usefixtures("database")
def test_a_request_without_a_key_is_refused_with_the_two_ways_to_send_one(
    gateway: httpx.Client, headers: dict[str, str]
) -> None:
    for path in ("/v1/models", "/v1/credits", f"{PATH}/00000000-0000-0000-0000-000000000000"):
        answer = gateway.get(path, headers=headers)

        assert _is_problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == 'Bearer realm="reelworks"'
        assert "rw_wrong" not in answer.text


def test_both_ways_of_sending_a_key_work_until_it_is_revoked(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    both = [customer.headers, {"X-API-Key": customer.api_key}]
    assert [gateway.get("/v1/credits", headers=headers).status_code for headers in both] == [200, 200]

    with database.transaction() as session:
        customers.revoke_api_keys(session, customer.id, customer.api_key[:8])

    assert [gateway.get("/v1/credits", headers=headers).status_code for headers in both] == [401, 401]


@pytest.mark.parametrize("body", [b"{", b'{"model": }', b"\xff\xfe", b"[" * 15_000, b"1" * 5000])
def test_a_body_that_is_not_json_is_refused(gateway: httpx.Client, customer: NewCustomer, body: bytes) -> None:
    headers = customer.headers | {"Content-Type": "application/json"}

    assert _is_problem(gateway.post(PATH, content=body, headers=headers), 400, "bad_request")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_content_type_is_refused(
    gateway: httpx.Client, customer: NewCustomer, content_type: str
) -> None:
    headers = customer.headers | {"Content-Type": content_type}

    answer = gateway.post(PATH, content=b'{"model": "nano-banana", "prompt": "x"}', headers=headers)

    assert _is_problem(answer, 415, "unsupported_media_type")


def test_wrong_fields_are_named_and_their_values_are_not_repeated(gateway: httpx.Client, customer: NewCustomer) -> None:
    request = {
        "model": "nano-banana",
        "prompt": "  ",
        "duration_seconds": "s3cret",
        "image_urls": ["s3cret"],
        "aspect_ratio": "s3cret" * 10,
        "colour": "s3cret",
    }

    answer = gateway.post(PATH, json=request, headers=customer.headers)

    assert _is_problem(answer, 422, "invalid_request")
    fields = [problem["field"] for problem in answer.json()["errors"]]
    assert sorted(fields) == ["aspect_ratio", "colour", "duration_seconds", "image_urls.0", "prompt"]
    assert "s3cret" not in answer.text


@pytest.mark.parametrize("prompt", ["nul \x00", "half a pair \ud800"])
def test_a_text_that_the_database_cannot_store_is_refused(
    gateway: httpx.Client, customer: NewCustomer, prompt: str
) -> None:
    body = json.dumps({"model": "nano-banana", "prompt": prompt}).encode()
    headers = customer.headers | {"Content-Type": "application/json"}

    answer = gateway.post(PATH, content=body, headers=headers)

    assert _is_problem(answer, 422, "invalid_request")
    assert [problem["field"] for problem in answer.json()["errors"]] == ["prompt"]


def test_many_wrong_fields_make_a_short_answer(gateway: httpx.Client, customer: NewCustomer) -> None:
    request = {f"{'x' * 500}{number}": number for number in range(1000)}

    answer = gateway.post(PATH, json=request, headers=customer.headers)

    assert _is_problem(answer, 422, "invalid_request")
    assert len(answer.json()["errors"]) == 20
    assert len(answer.content) < 10_000


def test_a_body_whose_content_length_is_too_large_is_refused(gateway: httpx.Client, customer: NewCustomer) -> None:
    answer = gateway.post(PATH, json={"prompt": "x" * 8 * 1024 * 1024}, headers=customer.headers)

    assert _is_problem(answer, 413, "content_too_large")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/vnd.x+json; charset=utf-8"])
@pytest.mark.parametrize("value", [b"[],", b'"",', b"{},", b"[" * 10], ids=lambda value: value.decode())
def test_a_body_of_many_values_is_refused_before_it_is_parsed(
    gateway: httpx.Client, customer: NewCustomer, value: bytes, content_type: str
) -> None:
    headers = customer.headers | {"Content-Type": content_type}
    answer = gateway.post(PATH, content=b'{"image_urls": [' + value * 20_001 + b"]}", headers=headers)
    assert _is_problem(answer, 413, "content_too_large")
    assert "20000 commas and brackets" in answer.json()["detail"]


def test_a_body_of_some_values_is_parsed(gateway: httpx.Client, customer: NewCustomer) -> None:
    few = gateway.post(PATH, json={"prompt": "x" * 1024 * 1024, "image_urls": [""] * 9_000}, headers=customer.headers)
    assert _is_problem(few, 422, "invalid_request")


def test_a_body_without_content_length_is_refused_above_the_limit(gateway: httpx.Client, customer: NewCustomer) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"prompt": "'
        for _ in range(129):
            yield b"x" * 64 * 1024

    headers = customer.headers | {"Content-Type": "application/json"}

    answer = gateway.post(PATH, content=chunks(), headers=headers)

    assert _is_problem(answer, 413, "content_too_large")


def test_a_valid_request_id_is_returned_and_logged(gateway: httpx.Client) -> None:
    with request_logs() as lines:
        answer = gateway.get("/v1/nothing?secret=s3cret", headers={"X-Request-ID": "order-1234.a_b"})
        [line] = logged(lines, "order-1234.a_b")

    assert answer.headers["x-request-id"] == "order-1234.a_b"
    assert (line["path"], line["status"]) == ("/v1/nothing", 404)
    assert "s3cret" not in str(lines)


def test_successful_reads_are_logged_at_debug_level_and_other_requests_at_info_level(
    gateway: httpx.Client, customer: NewCustomer
) -> None:
    with request_logs() as lines:
        answers = [
            gateway.get("/v1/credits", headers=customer.headers),
            gateway.head("/v1/credits", headers=customer.headers),
            gateway.get("/v1/credits"),
            gateway.post(PATH, json={}, headers=customer.headers),
        ]
        requests = [line for each in answers for line in logged(lines, each.headers["x-request-id"])]

    told = [(line["method"], line["status"], line["log_level"]) for line in requests]
    assert told == [("GET", 200, "debug"), ("HEAD", 200, "debug"), ("GET", 401, "info"), ("POST", 422, "info")]


@pytest.mark.parametrize("given", ["", "x" * 129, "two words", "<script>", "é"])
def test_an_invalid_request_id_is_replaced(gateway: httpx.Client, given: str) -> None:
    answer = gateway.get("/healthz", headers={b"X-Request-ID": given.encode()})

    assert len(answer.headers["x-request-id"]) == 32


def test_an_unexpected_exception_is_answered_and_logged_without_secrets(settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/boom")
    def boom() -> None:
        raise RuntimeError("s3cret")

    with serving(app) as client, structlog.testing.capture_logs() as lines:
        answer = client.get("/boom", headers={"X-Request-ID": "order-1234"})

    assert _is_problem(answer, 500, "internal")
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "order-1234"
    [line] = [line for line in lines if line["event"] == "request_failed"]
    assert line["error"] == "RuntimeError"
    assert "in boom" in line["frames"]
    assert "s3cret" not in answer.text


def test_an_exception_after_the_first_byte_cuts_the_connection(settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/boom")
    def boom() -> StreamingResponse:
        def body() -> Iterator[bytes]:
            yield b"abc"
            raise RuntimeError("s3cret")

        return StreamingResponse(body(), headers={"Content-Length": "10"})

    cut = pytest.raises(httpx.RemoteProtocolError, match="received 3 bytes, expected 10")
    with serving(app) as client, request_logs() as lines:
        with cut:
            client.get("/boom", headers={"X-Request-ID": "order-1234"})
        events = [line["event"] for line in logged(lines, "order-1234")]

    assert events == ["request_failed", "request"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/generations/{id}", "DELETE, GET, HEAD"),
        ("/v1/generations/{id}/cancel", "POST"),
        ("/v1/generations/{id}/content", "GET, HEAD"),
        ("/v1/uploads/{id}", "DELETE, GET, HEAD"),
        ("/inputs/uploads/a/b.png", "GET, HEAD"),
        ("/callbacks/kie/{id}", "POST"),
        ("/healthz", "GET, HEAD"),
        ("/", "GET, HEAD"),
        ("/docs", "GET, HEAD"),
        ("/openapi.json", "GET, HEAD"),
    ],
)
def test_allow_names_every_method_of_the_path(gateway: httpx.Client, path: str, allowed: str) -> None:
    answer = gateway.patch(path.format(id=uuid4()))
    assert _is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/video/generate", "/api/video/generate", "/openai/v1/videos/extensions"])
def test_allow_of_a_path_leaves_out_the_methods_of_an_id_in_its_place(gateway: httpx.Client, path: str) -> None:
    answer = gateway.patch(path)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
