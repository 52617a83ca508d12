"""Answers every error as RFC 9457 problem+json: the gateway's problem types, and a handler for each exception type."""

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from minio.error import MinioException
from pydantic import BaseModel
from sqlalchemy import exc as database_errors
from starlette.exceptions import HTTPException
from urllib3.exceptions import HTTPError as ObjectStoreUnreachable

from gateway.methods import allowed_methods
from schemas.errors import InsufficientScope, NotFound, RequestError, TooManyRequests, Unauthenticated, Unavailable
from schemas.refusals import Location, Place, model_in, refusal

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"

_RETRY_AFTER_SECONDS = 2

_NO_ID = "there is nothing at this path: an id is a UUID, such as 3e41a28d-5bf9-40ce-a038-dc975dda27ad"


class BadRequest(RequestError):
    """The request is not valid HTTP or JSON."""


class MethodNotAllowed(RequestError):
    http_status = 405
    code = "method_not_allowed"
    title = "Method not allowed"


class RequestTimeout(RequestError):
    """The client sent too slowly."""

    http_status = 408
    code = "request_timeout"
    title = "Request timeout"


class ContentTooLarge(RequestError):
    http_status = 413
    code = "content_too_large"
    title = "Content too large"


class UnsupportedMediaType(RequestError):
    http_status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"


class NoResult(RequestError):
    """The generation ended without a result, or the result was lost."""

    http_status = 409
    code = "no_result"
    title = "No result"


class AssetExpired(RequestError):
    """The file's retention time is over, and the file was deleted."""

    http_status = 410
    code = "asset_expired"
    title = "Asset expired"


class TooManyShares(RequestError):
    """The generation has as many working shares as it may."""

    http_status = 409
    code = "too_many_shares"
    title = "Too many shares"


class RangeNotSatisfiable(RequestError):
    http_status = 416
    code = "range_not_satisfiable"
    title = "Range not satisfiable"

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"the file has {size_bytes} bytes: ask for a range that begins before its end")
        self.size_bytes = size_bytes


class RateLimited(TooManyRequests):
    """The API key has sent as many requests as it may."""

    code = "rate_limited"
    title = "Rate limit reached"

    def __init__(self, policy: str, amount: int, retry_after: int, headers: Mapping[str, str]) -> None:
        super().__init__(
            f"this API key may send {amount} {policy} in a minute: wait for the seconds of Retry-After, then go on",
            {"policy": policy, "limit_per_minute": amount, "retry_after": retry_after},
        )
        self.headers = {**headers, "Retry-After": str(retry_after)}


class HeadTooLarge(RequestError):
    """The request line and the headers are too large."""

    http_status = 431
    code = "head_too_large"
    title = "Request header fields too large"


class InternalError(RequestError):
    http_status = 500
    code = "internal"
    title = "Internal error"


def problem_response(error: RequestError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The response for a problem, with the headers of its type."""
    return JSONResponse(
        error.problem(), error.http_status, {**_headers_of(error), **(headers or {})}, media_type=MEDIA_TYPE
    )


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
        case Unavailable() | TooManyRequests():
            return {"Retry-After": str(_RETRY_AFTER_SECONDS)}
        case _:
            return {}


def install_problem_handlers(app: FastAPI) -> None:
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


async def _request_error(_request: Request, error: RequestError) -> JSONResponse:
    return problem_response(error)


async def _validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        position = found[0]["loc"][-1]
        return problem_response(BadRequest(f"the body is not valid JSON: see character {position}"))
    if any(entry["loc"][0] == "path" for entry in found):
        return problem_response(NotFound(_NO_ID))
    models = _models(request.scope["route"])

    def place_of(location: Location) -> Place:
        part, *path = location
        return Place(tuple(path), models.get(str(part)), str(part))

    return problem_response(refusal(found, place_of))


def _models(route: APIRoute) -> Mapping[str, type[BaseModel] | None]:
    """The models of a route's body and of its parameters."""
    fields = {"body": route.body_field, "query": next(iter(route.dependant.query_params), None)}
    return {part: model_in(field.field_info.annotation) for part, field in fields.items() if field is not None}


async def _http_exception(request: Request, error: HTTPException) -> JSONResponse:
    """The answer for a request that FastAPI itself refuses."""
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            problem: RequestError = NotFound("there is nothing at this path: GET /docs shows what there is")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            problem = MethodNotAllowed("this path does not take this method: the Allow header names those it takes")
            named = (error.headers or {}).get("Allow", "")
            allowed = allowed_methods(request.app, request.scope["path"], named=named)
            return problem_response(problem, {"Allow": ", ".join(sorted(allowed))})
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            problem = ContentTooLarge(error.detail)
        case HTTPStatus.TOO_MANY_REQUESTS:
            problem = TooManyRequests(error.detail)
        case HTTPStatus.SERVICE_UNAVAILABLE:
            problem = Unavailable(error.detail)
        case _:
            problem = BadRequest("the body cannot be read: send UTF-8 JSON")
    return problem_response(problem, error.headers)


async def _unavailable(_request: Request, error: Exception) -> JSONResponse:
    log.error("service_unavailable", error=type(error).__name__, cause=type(error.__cause__).__name__)
    return problem_response(Unavailable("a service that we depend on does not answer: send the request again"))
