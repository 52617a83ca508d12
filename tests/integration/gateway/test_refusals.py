"""The order of refusals: first the key, then the path, then the body."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api_gateway import create_app
from storage.database import Database
from tests.integration.gateway.access import problem
from tests.support import NewCustomer, clean_settings, operator_key

ID = "3e41a28d-5bf9-40ce-a038-dc975dda27ad"
BROKEN = b'{"prompt": '
PATHS: dict[str, dict[str, Any]] = create_app(clean_settings()).openapi()["paths"]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation: its method, its path and its description."""
    for path, described in PATHS.items():
        for method, operation in described.items():
            yield method.upper(), path, operation


def for_customers() -> list[tuple[str, str]]:
    return [(method, path) for method, path, operation in operations() if operation.get("security")]


def with_an_id() -> list[tuple[str, str, str]]:
    return [
        (method, path, parameter["name"])
        for method, path, operation in operations()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "path" and parameter["schema"].get("format") == "uuid"
    ]


@pytest.mark.parametrize(("method", "path"), for_customers())
@pytest.mark.usefixtures("database")
def test_key_is_checked_before_everything_else(gateway: httpx.Client, method: str, path: str) -> None:
    wrong = re.sub(r"\{\w+\}", "no-id", path)
    for headers in ({}, {"Authorization": "Bearer rw_wrong"}):
        for content_type in ("text/plain", "application/json"):
            answer = gateway.request(
                method, f"{wrong}?delivery=pigeon", content=BROKEN, headers={**headers, "Content-Type": content_type}
            )
            assert (answer.status_code, problem(answer)["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("path", ["/v1/generations", "/v1/uploads"])
@pytest.mark.usefixtures("database")
def test_request_without_a_key_is_answered_before_its_body_arrives(gateway: httpx.Client, path: str) -> None:
    with socket.create_connection((gateway.base_url.host, gateway.base_url.port or 80), timeout=30) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(("method", "path", "parameter"), with_an_id())
@pytest.mark.parametrize("wrong", ["not-an-id", "1", f"{ID}0", "%00", "%ED%A0%BD", "x" * 1000])
def test_id_that_is_no_uuid_is_not_found(
    gateway: httpx.Client, database: Database, customer: NewCustomer, method: str, path: str, parameter: str, wrong: str
) -> None:
    headers = {
        "X-API-Key": operator_key(database),
        "X-Customer-ID": str(customer.id),
        "Content-Type": "application/json",
    }
    others = re.sub(r"\{\w+\}", "kie", path.replace(f"{{{parameter}}}", wrong))
    answer = gateway.request(method, others, headers=headers)

    assert (answer.status_code, problem(answer)["code"]) == (404, "not_found")
    assert "an id is a UUID" in answer.text
    assert "not-an-id" not in answer.text


def test_operations_refuse_a_body_that_is_no_json_where_the_document_says_so(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    headers = {"X-API-Key": operator_key(database), "X-Customer-ID": str(customer.id), "Content-Type": "text/plain"}
    writes = [one for one in operations() if one[0] in {"POST", "PATCH"} and one[1].startswith("/v1/")]
    answers = [
        gateway.request(method, re.sub(r"\{\w+\}", ID, path), content=BROKEN, headers=headers)
        for method, path, _ in writes
    ]

    refused = {
        (method, path) for (method, path, _), answer in zip(writes, answers, strict=True) if answer.status_code == 415
    }
    assert refused == {(method, path) for method, path, operation in writes if "415" in operation["responses"]}
    assert {(method, path) for method, path, operation in writes if "requestBody" in operation} == refused


def test_every_kind_of_wrong_request_is_refused_in_order(gateway: httpx.Client, customer: NewCustomer) -> None:
    def post(body: bytes, content_type: str) -> int:
        headers = {**customer.headers, "Content-Type": content_type}
        return gateway.post("/v1/generations", content=body, headers=headers).status_code

    assert post(BROKEN, "text/plain") == 415
    assert post(BROKEN, "application/json") == 400
    assert post(json.dumps({"promt": "x"}).encode(), "application/json") == 422


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b"[]", "body", 'must be an object, such as {"name": "value"}'),
        (b"5", "body", 'must be an object, such as {"name": "value"}'),
        (b'"{}"', "body", 'must be an object, such as {"name": "value"}'),
        (b"null", "body", 'must be an object, such as {"name": "value"}'),
        (b"", "body", "is missing"),
        (b'{"\\ud83d": 1, "prompt": "x"}', "body", "has half of a surrogate pair: send whole characters"),
        (b'{"size": "1x1", "prompt": "x"}', "size", "there is no field `size`; `aspect_ratio` and `resolution` say it"),
    ],
)
def test_wrong_body_is_refused_in_our_words(
    gateway: httpx.Client, customer: NewCustomer, body: bytes, field: str, message: str
) -> None:
    headers = {**customer.headers, "Content-Type": "application/json"}
    answer = gateway.post("/v1/generations", content=body, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": field, "message": message}]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("two words", "must be visible ASCII characters without spaces, for example a UUID"),
        ("é", "must be visible ASCII characters without spaces, for example a UUID"),
        ("x" * 256, "may have up to 255 characters"),
        ("", "must not be empty"),
    ],
)
def test_wrong_idempotency_key_is_refused_in_our_words(
    gateway: httpx.Client, customer: NewCustomer, key: str, message: str
) -> None:
    headers = {name.encode(): value.encode() for name, value in customer.headers.items()}
    headers[b"Idempotency-Key"] = key.encode()
    answer = gateway.post("/v1/generations", json={"prompt": "x", "kind": "image"}, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "Idempotency-Key", "message": message}]
