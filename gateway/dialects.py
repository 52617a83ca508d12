"""The dialects of the HTTP doors. The path of a request decides in which dialect an error is told and described."""

from collections.abc import Callable

from fastapi.responses import JSONResponse

from gateway.openai.errors import error_form as openai_form
from gateway.openai.errors import openai_errors
from gateway.problems import MEDIA_TYPE, ErrorForm
from gateway.seeds import app_errors
from gateway.seeds import errors as seeds
from schemas.errors import RequestError

Described = Callable[..., dict[int | str, dict[str, object]]]
"""Describes types of errors in the form of a dialect, as the `responses` of a route."""


def _problem(error: RequestError) -> JSONResponse:
    """RFC 9457, the form of `/v1` and of all paths that belong to no other dialect."""
    return JSONResponse(error.problem(), error.http_status, media_type=MEDIA_TYPE)


_FORMS: tuple[tuple[str, ErrorForm], ...] = (
    ("/openai/", openai_form),
    # The first beginning that fits counts: `/api/` is the beginning of this path, too.
    ("/api/kie-", app_errors.callback_error),
    ("/api", app_errors.video_error),
    ("/video/", seeds.error_form),
    ("/image/", seeds.error_form),
)
"""The forms of other dialects, by the beginning of the path."""

_DESCRIBED: tuple[tuple[str, Described], ...] = (
    ("/openai/", openai_errors),
    ("/api/kie-", app_errors.callback_refusals),
    ("/api", app_errors.video_refusals),
    ("/video/", seeds.refusals),
    ("/image/", seeds.refusals),
)
"""The descriptions of these forms, by the beginning of the path."""


def error_form(path: str) -> ErrorForm:
    """The form of errors at a path."""
    return next((form for beginning, form in _FORMS if path.startswith(beginning)), _problem)


def described_errors(path: str) -> Described | None:
    """The function that describes the errors of a path. None: RFC 9457, which `gateway.openapi` describes."""
    return next((described for beginning, described in _DESCRIBED if path.startswith(beginning)), None)
