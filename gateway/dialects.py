"""The dialects of the HTTP doors. The path of a request decides in which dialect an error is told."""

from collections.abc import Callable

from fastapi.responses import JSONResponse, Response

from gateway.problems import MEDIA_TYPE
from gateway.seeds import app_errors
from schemas.errors import RequestError

ErrorForm = Callable[[RequestError], Response]
"""Writes an error in the form of a dialect: status, body and the dialect's own headers."""


def _problem(error: RequestError) -> JSONResponse:
    """RFC 9457, the form of `/v1` and of all paths that belong to no other dialect."""
    return JSONResponse(error.problem(), error.http_status, media_type=MEDIA_TYPE)


_FORMS: tuple[tuple[str, ErrorForm], ...] = (
    # Before `/api/`, which is the beginning of this path, too.
    ("/api/kie-", app_errors.callback_error),
    ("/api/", app_errors.video_error),
)
"""The forms of other dialects, by the beginning of the path."""


def error_form(path: str) -> ErrorForm:
    """The form of errors at a path."""
    return next((form for beginning, form in _FORMS if path.startswith(beginning)), _problem)
