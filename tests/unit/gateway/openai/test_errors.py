"""Errors in OpenAI's envelope."""

import json
from typing import Any

import pytest

from gateway.openai.errors import MayBeRecorded, error_form, openai_errors
from gateway.problems import RateLimited
from schemas.enums import Scope
from schemas.errors import (
    IdempotencyMismatch,
    InsufficientCredits,
    InsufficientScope,
    InternalError,
    InvalidRequest,
    ModelPaused,
    ModelRetired,
    NoSandbox,
    NotFinished,
    NotFound,
    RequestError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

ERRORS = [
    (InvalidRequest.of_fields([("seconds", "must be more than 0")]), 400, "invalid_request_error", None),
    (Unauthenticated("send a key"), 401, "authentication_error", None),
    (InsufficientCredits("too few"), 402, "insufficient_quota", None),
    (InsufficientScope(Scope.READ), 403, "permission_error", None),
    (NotFound("no such video"), 404, "invalid_request_error", None),
    (NotFinished("it runs"), 409, "invalid_request_error", "false"),
    (ModelRetired("gone", {"successor": "veo-3.1"}), 410, "invalid_request_error", None),
    (IdempotencyMismatch("another request"), 422, "invalid_request_error", None),
    (TooManyRequests("later"), 429, "rate_limit_error", "true"),
    (RateLimited("reads", 3, 7, {}), 429, "rate_limit_error", "true"),
    (InternalError("a mistake"), 500, "server_error", "false"),
    (Unavailable("away"), 503, "server_error", "true"),
    (MayBeRecorded("away"), 503, "server_error", "false"),
    (ModelPaused("paused"), 503, "server_error", "false"),
    (NoSandbox(), 503, "server_error", "false"),
]


def told(error: RequestError) -> dict[str, Any]:
    """The envelope of an error."""
    envelope: dict[str, Any] = json.loads(bytes(error_form(error).body))["error"]
    return envelope


@pytest.mark.parametrize(("error", "status", "kind", "should_retry"), ERRORS, ids=lambda value: str(value)[:20])
def test_an_error_has_the_status_the_type_and_the_advice_that_clients_expect(
    error: RequestError, status: int, kind: str, should_retry: str | None
) -> None:
    answer = error_form(error)

    assert (answer.status_code, answer.headers.get("x-should-retry")) == (status, should_retry)
    envelope = told(error)
    assert (envelope["type"], envelope["code"], envelope["message"]) == (kind, error.code, error.detail)


def test_an_error_names_the_first_wrong_field() -> None:
    assert told(InvalidRequest.of_fields([("seconds", "is wrong"), ("size", "is wrong")]))["param"] == "seconds"
    assert (
        told(ModelRetired("gone", {"successor": "veo-3.1"})).items()
        >= {"param": "model", "successor": "veo-3.1"}.items()
    )
    assert told(NotFound("no such video"))["param"] is None


def test_the_message_names_the_page_on_which_to_buy_credits() -> None:
    error = InsufficientCredits("you have 3 credits", {"buy_credits_url": "https://example.com/credits"})

    envelope = told(error)
    assert envelope["message"] == "you have 3 credits; buy credits at https://example.com/credits"
    assert envelope["buy_credits_url"] == "https://example.com/credits"


def test_the_document_shows_an_example_of_each_error() -> None:
    described: dict[Any, Any] = openai_errors(NotFound, InvalidRequest)

    assert list(described) == [400, 404]
    content = described[400]["content"]["application/json"]
    assert content["examples"]["invalid_request"]["value"]["error"]["type"] == "invalid_request_error"
