"""Errors of `/api/…`: `{"error": …}` at the video routes, and plain text at the callbacks of Kie."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from itertools import groupby
from typing import Any, Final

from fastapi.responses import JSONResponse, PlainTextResponse

from schemas.errors import InsufficientCredits, InvalidRequest, RequestError, Unauthenticated

_INTERNAL: Final = HTTPStatus.INTERNAL_SERVER_ERROR


class PromptTooShort(InvalidRequest):
    """The prompt has fewer characters than a video of this door needs."""

    title = "Prompt too short"


_PRINTED: Final[Mapping[type[RequestError], str]] = {
    Unauthenticated: "Unauthorized",
    InsufficientCredits: "Insufficient credits",
    PromptTooShort: "Prompt too short",
}
"""The texts that pages of the seed compare. Every other error has its own words."""


def video_error(error: RequestError) -> JSONResponse:
    """An error of a video route: `error` is a text, `code` and `detail` are the same as at every door."""
    return JSONResponse(_body(error), _status(type(error)))


def callback_error(error: RequestError) -> PlainTextResponse:
    """An error of a callback, in plain text. Each error of ours is a 500, after which Kie sends the callback again."""
    if error.http_status < _INTERNAL:
        return PlainTextResponse(error.detail, _status(type(error)))
    return PlainTextResponse(f"Webhook processing error: {error.detail}", _INTERNAL)


def video_refusals(*kinds: type[RequestError]) -> dict[int | str, dict[str, object]]:
    """The error answers of a video route for the OpenAPI document, by status."""
    return _by_status(kinds, _status, _described_video)


def callback_refusals(*kinds: type[RequestError]) -> dict[int | str, dict[str, object]]:
    """The error answers of a callback for the OpenAPI document, by status."""
    return _by_status(kinds, lambda kind: min(_status(kind), _INTERNAL.value), _described_callback)


def _status(kind: type[RequestError]) -> int:
    """The status of an error. A wrong value is a 400 here."""
    return HTTPStatus.BAD_REQUEST.value if kind.code == InvalidRequest.code else kind.http_status


def _body(error: RequestError) -> dict[str, object]:
    printed = next((text for kind, text in _PRINTED.items() if isinstance(error, kind)), error.detail)
    return {**error.extra, "error": printed, "code": error.code, "detail": error.detail}


def _by_status(
    kinds: tuple[type[RequestError], ...],
    status_of: Callable[[type[RequestError]], int],
    described: Callable[[list[type[RequestError]]], Mapping[str, Any]],
) -> dict[int | str, dict[str, object]]:
    in_order = sorted(kinds, key=status_of)
    return {
        status: {"description": HTTPStatus(status).phrase, "content": described(list(same))}
        for status, same in groupby(in_order, key=status_of)
    }


def _described_video(kinds: list[type[RequestError]]) -> Mapping[str, Any]:
    examples = {kind.code: {"summary": kind.title, "value": _body(_example(kind))} for kind in kinds}
    return {"application/json": {"schema": _SCHEMA, "examples": examples}}


def _described_callback(kinds: list[type[RequestError]]) -> Mapping[str, Any]:
    examples = {kind.code: {"summary": kind.title, "value": kind.title} for kind in kinds}
    return {"text/plain": {"schema": {"type": "string"}, "examples": examples}}


def _example(kind: type[RequestError]) -> RequestError:
    # Made without the constructors, because some kinds take other arguments.
    error = kind.__new__(kind)
    RequestError.__init__(error, "the reason of the refusal, and the remedy")
    return error


_SCHEMA: Final = {
    "type": "object",
    "required": ["error", "code", "detail"],
    "properties": {
        "error": {"type": "string", "description": "for people"},
        "code": {"type": "string", "description": "stable, for programs"},
        "detail": {"type": "string", "description": "the reason of the refusal, and the remedy"},
    },
}
