"""Errors in OpenAI's envelope: `{"error": {"message", "type", "param", "code"}}`. The codes are ours."""

from collections.abc import Mapping
from http import HTTPStatus
from itertools import groupby
from typing import Any, Final

from fastapi.responses import JSONResponse

from gateway.problems import RequestTimeout
from schemas.errors import (
    InvalidRequest,
    ModelPaused,
    ModelRetired,
    NoSandbox,
    QuotaReached,
    RequestError,
    TooManyRequests,
    Unavailable,
)

SHOULD_RETRY = "x-should-retry"
"""The header by which OpenAI's clients decide whether to send a request again."""

_FIRST_SERVER_ERROR = 500

# OpenAI's clients follow no longer `Retry-After`, and would come again at once.
_LONGEST_PAUSE_SECONDS = 60

_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}
"""OpenAI's types of errors by status. Other statuses below 500 are `invalid_request_error`."""

_PARAMS: Final[Mapping[type[RequestError], str]] = {ModelRetired: "model", ModelPaused: "model"}
"""The field of an error that names no fields itself."""

_OF_THE_ENVELOPE = frozenset({"errors", "message", "type", "param", "code"})


class MayBeRecorded(Unavailable):
    """An outage in the middle of an order. The order may be recorded, so nothing may send the order again."""


def error_form(error: RequestError) -> JSONResponse:
    """An error as OpenAI's clients read errors: status, envelope, and whether a retry makes sense."""
    status = _status(type(error))
    headers = {SHOULD_RETRY: "true" if _is_transient(error) else "false"} if _is_retried(status) else {}
    return JSONResponse({"error": _envelope(error, status)}, status, headers)


def openai_errors(*kinds: type[RequestError]) -> dict[int | str, dict[str, object]]:
    """The error responses of a route, by status, for the OpenAPI document."""
    in_order = sorted(kinds, key=_status)
    return {status: _documented(status, list(same)) for status, same in groupby(in_order, key=_status)}


def _status(kind: type[RequestError]) -> int:
    """The status of an error. OpenAI answers 400 to a wrong value."""
    return 400 if kind.code == InvalidRequest.code else kind.http_status


def _is_retried(status: int) -> bool:
    """Whether OpenAI's clients send a request again by themselves after this status."""
    return status in {408, 409, 429} or status >= _FIRST_SERVER_ERROR


def _is_transient(error: RequestError) -> bool:
    """Whether the same request may succeed soon, and did nothing."""
    if isinstance(error, MayBeRecorded | ModelPaused | NoSandbox):
        return False
    if isinstance(error, QuotaReached):
        return error.retry_after is not None and error.retry_after <= _LONGEST_PAUSE_SECONDS
    return isinstance(error, TooManyRequests | Unavailable | RequestTimeout)


def _envelope(error: RequestError, status: int) -> dict[str, object]:
    known = {name: value for name, value in error.extra.items() if name not in _OF_THE_ENVELOPE}
    # Most clients show the message alone.
    link = f"; buy credits at {url}" if (url := error.extra.get("buy_credits_url")) else ""
    return {
        "message": f"{error.detail}{link}",
        "type": _type_of(status),
        "param": _param(error),
        "code": error.code,
        **known,
    }


def _type_of(status: int) -> str:
    return "server_error" if status >= _FIRST_SERVER_ERROR else _TYPES.get(status, "invalid_request_error")


def _param(error: RequestError) -> str | None:
    """The first field that is wrong."""
    match error.extra.get("errors"):
        case [{"field": str(field)}, *_]:
            return field
        case _:
            return _PARAMS.get(type(error))


def _documented(status: int, kinds: list[type[RequestError]]) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {
            "application/json": {
                "schema": _SCHEMA,
                "examples": {kind.code: {"summary": kind.title, "value": _example(kind, status)} for kind in kinds},
            }
        },
    }


def _example(kind: type[RequestError], status: int) -> dict[str, object]:
    envelope = {"type": _type_of(status), "param": _PARAMS.get(kind), "code": kind.code}
    return {"error": {"message": "the reason of the refusal, and the remedy", **envelope}}


_TEXT = {"type": "string"}
_SCHEMA: Final[dict[str, object]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": _TEXT,
                "type": _TEXT,
                "param": {"anyOf": [_TEXT, {"type": "null"}]},
                "code": _TEXT,
            },
        }
    },
}
