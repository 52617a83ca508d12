"""Surrounds every request: sets its id, logs one line, and answers unexpected exceptions."""

import re
import time
import traceback
from contextlib import nullcontext
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import measured, traced
from gateway.error_answers import error_response
from gateway.head import READS
from gateway.rate_limits import ALLOWANCE, Allowance
from gateway.traced import RequestSpan
from schemas.errors import InternalError
from schemas.trace_context import attached, current

log = structlog.get_logger()

# Probers call these paths every few seconds.
_QUIET_PATHS = frozenset({"/healthz", "/readyz"})

_FIRST_ERROR = 400

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_FRAMES = 12
_LONGEST_PATH = 500


class RequestContext:
    """The outermost ASGI middleware, so its log line and its error answer cover all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _SANE_ID.fullmatch(given) else uuid4().hex
        is_quiet = scope["path"] in _QUIET_PATHS
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            nullcontext() if is_quiet else traced.request(scope) as span,
        ):
            return await self._serve(scope, receive, send, request_id, span)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, request_id: str, span: RequestSpan | None
    ) -> None:
        began = time.perf_counter()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                allowance: Allowance | None = scope.get("state", {}).get(ALLOWANCE)
                if allowance is not None:
                    headers.update(allowance.headers)
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            log.info("client_disconnected")
        except Exception as error:  # noqa: BLE001 -- the process's edge
            _log_unforeseen(error)
            # After the first byte, no other answer is possible. Returning here makes the server cut the connection.
            if status is None:
                await error_response(scope["path"], _internal(request_id))(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - began
            with attached(span.context if span else current()):
                measured.count(scope, status, seconds)
                _log_request(scope, status, seconds)
            if span is not None:
                span.end(scope, status)


def _internal(request_id: str) -> InternalError:
    return InternalError(
        "something went wrong on our side; name the request_id when you ask about it",
        {
            "request_id": request_id,
        },
    )


def _log_unforeseen(error: Exception) -> None:
    # Logs the type and the frames, not the message: messages of databases and parsers quote rows and inputs.
    frames = traceback.format_tb(error.__traceback__)[-_FRAMES:]
    log.error("request_failed", error=type(error).__name__, frames="".join(frames))


def _log_request(scope: Scope, status: int | None, seconds: float) -> None:
    # Successful reads are logged at debug level, because polling clients would fill the log.
    is_read = scope["method"] in READS and status is not None and status < _FIRST_ERROR
    write = log.debug if is_read or scope["path"] in _QUIET_PATHS else log.info
    # Omits the query, which can contain a callback's token.
    write(
        "request",
        method=scope["method"],
        path=_shown(scope["path"]),
        status=status,
        milliseconds=round(seconds * 1000, 1),
    )


def _shown(path: str) -> str:
    """The first parts of a long path. The part at the cut goes: the part could be half of a key."""
    return path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH].rpartition('/')[0]}/…"
