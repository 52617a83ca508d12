"""Answers every error in the dialect of its path: a handler for each exception type."""

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from minio.error import MinioException
from pydantic import BaseModel
from sqlalchemy import exc as database_errors
from starlette.exceptions import HTTPException
from urllib3.exceptions import HTTPError as ObjectStoreUnreachable

from gateway.dialects import error_form
from gateway.methods import allowed_methods
from gateway.problems import BadRequest, ContentTooLarge, MethodNotAllowed, RangeNotSatisfiable, RateLimited
from schemas.errors import (
    InsufficientCredits,
    InsufficientScope,
    InvalidRequest,
    NotFound,
    QuotaReached,
    RequestError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from schemas.refusals import Location, Place, model_in, refusal

log = structlog.get_logger()

_RETRY_AFTER_SECONDS = 2

_NO_ID = "there is nothing at this path: an id is a UUID, such as 3e41a28d-5bf9-40ce-a038-dc975dda27ad"


def error_response(path: str, error: RequestError, headers: Mapping[str, str] | None = None) -> Response:
    """The response for an error, in the dialect of the request's path, with the headers of the error's type."""
    response = error_form(path)(error)
    response.headers.update({**_headers_of(error), **(headers or {})})
    return response


def _headers_of(error: RequestError) -> dict[str, str]:
    match error:
        case Unauthenticated():
            return {"WWW-Authenticate": 'Bearer realm="reelworks"'}
        case InsufficientScope():
            return {"WWW-Authenticate": f'Bearer realm="reelworks", error="insufficient_scope", scope="{error.scope}"'}
        case RangeNotSatisfiable():
            return {"Content-Range": f"bytes */{error.size_bytes}"}
        case RateLimited():
            return error.headers
        case QuotaReached():
            return {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        case Unavailable() | TooManyRequests():
            return {"Retry-After": str(_RETRY_AFTER_SECONDS)}
        case _:
            return {}


def install_error_handlers(app: FastAPI) -> None:
    """Install a handler for each expected exception. `gateway.request_context` answers the unexpected ones."""
    app.exception_handler(RequestError)(_request_error)
    app.exception_handler(RequestValidationError)(_validation_error)
    app.exception_handler(HTTPException)(_http_exception)
    for unavailable in (
        database_errors.OperationalError,
        database_errors.InterfaceError,
        database_errors.TimeoutError,  # no free connection
        ObjectStoreUnreachable,
        MinioException,  # the object store answered with an error
    ):
        app.exception_handler(unavailable)(_unavailable)
    app.exception_handler(database_errors.DataError)(_no_data)


async def _request_error(request: Request, error: RequestError) -> Response:
    url: str = request.app.state.services.settings.credits_url
    if url and isinstance(error, InsufficientCredits):
        error.extra["buy_credits_url"] = url
    return _answer(request, error)


async def _validation_error(request: Request, error: RequestValidationError) -> Response:
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        position = found[0]["loc"][-1]
        return _answer(request, BadRequest(f"the body is not valid JSON: see character {position}"))
    if any(entry["loc"][0] == "path" for entry in found):
        return _answer(request, NotFound(_NO_ID))
    models = _models(request.scope["route"])

    def place_of(location: Location) -> Place:
        part, *path = location
        return Place(tuple(path), models.get(str(part)), str(part))

    return _answer(request, refusal(found, place_of))


def _models(route: APIRoute) -> Mapping[str, type[BaseModel] | None]:
    """The models of a route's body and of its parameters."""
    fields = {"body": route.body_field, "query": next(iter(route.dependant.query_params), None)}
    return {part: model_in(field.field_info.annotation) for part, field in fields.items() if field is not None}


async def _http_exception(request: Request, error: HTTPException) -> Response:
    """The answer for a request that FastAPI itself refuses."""
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            problem: RequestError = NotFound("there is nothing at this path: GET /docs shows what there is")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            problem = MethodNotAllowed("this path does not take this method: the Allow header names those it takes")
            named = (error.headers or {}).get("Allow", "")
            # The first call writes the OpenAPI document.
            allowed = await to_thread.run_sync(lambda: allowed_methods(request.app, request.scope["path"], named=named))
            return _answer(request, problem, {"Allow": ", ".join(sorted(allowed))})
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            problem = ContentTooLarge(error.detail)
        case HTTPStatus.TOO_MANY_REQUESTS:
            problem = TooManyRequests(error.detail)
        case HTTPStatus.SERVICE_UNAVAILABLE:
            problem = Unavailable(error.detail)
        case _:
            problem = BadRequest("the body cannot be read: send UTF-8 JSON")
    return _answer(request, problem, error.headers)


async def _unavailable(request: Request, error: Exception) -> Response:
    log.error("service_unavailable", error=type(error).__name__, cause=type(error.__cause__).__name__)
    return _answer(request, Unavailable("a service that we depend on does not answer: send the request again"))


async def _no_data(request: Request, error: Exception) -> Response:
    """The answer for a value that passed all checks, and that the database does not take."""
    log.error("value_refused", error=type(error).__name__, cause=type(error.__cause__).__name__)
    text = "the request has a value that cannot be stored or looked up, such as a NUL character or too large a number"
    return _answer(request, InvalidRequest(text))


def _answer(request: Request, error: RequestError, headers: Mapping[str, str] | None = None) -> Response:
    return error_response(request.scope["path"], error, headers)
