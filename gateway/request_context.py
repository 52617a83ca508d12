"""What surrounds every request: its id, its line in the log, and the answer to what nobody foresaw."""

import re
import time
import traceback
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import InternalError, problem_response

log = structlog.get_logger()

# Probes come every few seconds, from everywhere.
_QUIET_PATHS = frozenset({"/healthz", "/readyz"})

_READS = frozenset({"GET", "HEAD"})
_FIRST_ERROR = 400

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_FRAMES = 12


class RequestContext:
    """ASGI middleware; the outermost, so that its log line and its answer cover the others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _SANE_ID.fullmatch(given) else uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            return await self._serve(scope, receive, send, request_id)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        began = time.perf_counter()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            log.info("client_disconnected")
        except Exception as error:  # noqa: BLE001 -- the process's edge
            _log_unforeseen(error)
            # After the first byte there is no other answer: ending here makes the server cut the connection.
            if status is None:
                await problem_response(_internal(request_id))(scope, receive, send_with_id)
        finally:
            _log_request(scope, status, time.perf_counter() - began)


def _internal(request_id: str) -> InternalError:
    return InternalError(
        "something went wrong on our side; name the request_id when you ask about it",
        {
            "request_id": request_id,
        },
    )


def _log_unforeseen(error: Exception) -> None:
    # Where, and what kind; not the message: a database's or a parser's quotes rows and inputs, which are no log's.
    frames = traceback.format_tb(error.__traceback__)[-_FRAMES:]
    log.error("request_failed", error=type(error).__name__, frames="".join(frames))


def _log_request(scope: Scope, status: int | None, seconds: float) -> None:
    # A client that polls would fill the log with reads that went well.
    is_read = scope["method"] in _READS and status is not None and status < _FIRST_ERROR
    write = log.debug if is_read or scope["path"] in _QUIET_PATHS else log.info
    # The path without its query, which may hold a callback's token.
    write("request", method=scope["method"], path=scope["path"], status=status, milliseconds=round(seconds * 1000, 1))
