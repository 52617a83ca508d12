from typing import Any

import httpx

from gateway.dialects import error_form
from schemas.errors import RequestError

WITHOUT_ERRORS = {"/healthz", "/readyz", "/v1/webhooks/public-key"}
PUBLIC = {
    *WITHOUT_ERRORS,
    "/files/{key}",
    "/inputs/{key}",
    "/callbacks/{provider}/{generation_id}",
    "/webhooks/{provider}",
    "/api/kie-callback",
    "/api/kie-video-callback",
    # A key in the body or a cookie proves the sender.
    "/v1/session",
    "/v1/session/customer",
}


def _schema(gateway: httpx.Client) -> dict[str, Any]:
    schema: dict[str, Any] = gateway.get("/openapi.json").json()
    return schema


def test_every_operation_is_described(gateway: httpx.Client) -> None:
    for path, operations in _schema(gateway)["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["description"], where
            assert operation["tags"], where


def test_every_customers_operation_takes_either_kind_of_key(gateway: httpx.Client) -> None:
    for path, operations in _schema(gateway)["paths"].items():
        for operation in operations.values():
            assert operation.get("security", []) == ([] if path in PUBLIC else [{"Bearer": []}, {"ApiKey": []}]), path


def test_errors_are_described_in_the_dialect_of_their_path(gateway: httpx.Client) -> None:
    schema = _schema(gateway)
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    properties = schema["components"]["schemas"]["Problem"]["properties"]
    assert {"type", "title", "status", "code", "detail"} <= set(properties)
    for path in set(schema["paths"]) - WITHOUT_ERRORS:
        for operation in schema["paths"][path].values():
            errors = [response for status, response in operation["responses"].items() if status >= "4"]
            media = {kind for response in errors for kind in response["content"]}
            assert media == {error_form(path)(RequestError("anything")).media_type}, path


def test_an_order_has_examples(gateway: httpx.Client) -> None:
    examples = _schema(gateway)["components"]["schemas"]["HttpOrder"]["examples"]

    assert [example["model"] for example in examples] == ["nano-banana", "kling-2.6-text-to-video"]
