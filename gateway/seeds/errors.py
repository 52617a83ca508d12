"""Errors in the form of the seeds' `/video` and `/image`: an envelope with `success: false`."""

from collections.abc import Mapping
from http import HTTPStatus
from itertools import groupby
from typing import Any, Final

from fastapi.responses import JSONResponse

from schemas.enums import ErrorCode
from schemas.errors import InvalidRequest, RequestError

_FIELDS_OF_400: Final = ("prompt", "customer_id", "X-Customer-ID", "model", "kind")
"""The fields whose errors are a 400 here. Errors of all other fields are a 422."""


class NotImplementedHere(RequestError):
    """The model lacks the ability that the path needs."""

    http_status = 501
    code = "not_implemented"
    title = "Not implemented"


class GenerationFailed(RequestError):
    """The generation failed. `code` is the one of its error: an error of ours is a 500, all others are a 502."""

    http_status = 502
    code = "provider_failed"
    title = "Generation failed"

    def __init__(self, code: ErrorCode, detail: str, extra: dict[str, object] | None = None) -> None:
        super().__init__(detail, extra)
        self.code = code.value
        self.http_status = 500 if code is ErrorCode.INTERNAL else 502


def error_form(error: RequestError) -> JSONResponse:
    """The answer for an error. `code` is the HTTP status, and `error.code` the code that every door uses."""
    return JSONResponse(envelope(error), status_of(error))


def envelope(error: RequestError) -> dict[str, object]:
    """The body of an error."""
    return {
        "success": False,
        "code": status_of(error),
        "message": error.detail,
        "data": None,
        "error": {"code": error.code, "title": error.title, **error.extra},
    }


def status_of(error: RequestError) -> int:
    """The HTTP status of an error: a wrong prompt, customer or model is a 400."""
    if isinstance(error, InvalidRequest) and _is_bad_request(error.extra):
        return HTTPStatus.BAD_REQUEST
    return error.http_status


def _is_bad_request(extra: Mapping[str, Any]) -> bool:
    fields = [str(each["field"]).rpartition(".")[2] for each in extra.get("errors", [])]
    return bool(fields) and set(fields).issubset(_FIELDS_OF_400)


def refusals(*kinds: type[RequestError]) -> dict[int | str, dict[str, object]]:
    """The error answers of a route for the OpenAPI document, by status."""
    # A wrong prompt, customer or model is the same kind of error with another status.
    found = [(kind.http_status, kind) for kind in kinds]
    found += [(HTTPStatus.BAD_REQUEST.value, kind) for kind in kinds if kind is InvalidRequest]
    in_order = sorted(found, key=lambda entry: entry[0])
    return {
        status: _response(status, [kind for _, kind in same])
        for status, same in groupby(in_order, key=lambda entry: entry[0])
    }


def _response(status: int, kinds: list[type[RequestError]]) -> dict[str, object]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {
            "application/json": {
                "schema": _SCHEMA,
                "examples": {kind.code: {"summary": kind.title, "value": _example(status, kind)} for kind in kinds},
            }
        },
    }


def _example(status: int, kind: type[RequestError]) -> dict[str, object]:
    # Uses the base class, because the constructors of some kinds take other arguments.
    body = envelope(RequestError("the reason of the refusal, and the remedy"))
    return {**body, "code": status, "error": {"code": kind.code, "title": kind.title}}


_SCHEMA: Final = {
    "type": "object",
    "required": ["success", "code", "message", "data", "error"],
    "properties": {
        "success": {"const": False},
        "code": {"type": "integer", "description": "the HTTP status"},
        "message": {"type": "string", "description": "the reason of the refusal, and the remedy"},
        "data": {"type": "null"},
        "error": {
            "type": "object",
            "required": ["code", "title"],
            "properties": {"code": {"type": "string"}, "title": {"type": "string"}},
            "description": "the code and title that every door uses, with the further members of the problem",
        },
    },
}
