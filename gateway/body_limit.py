"""No request body is larger than we want to take."""

from collections.abc import Mapping

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import ContentTooLarge, problem_response

_DETAIL = "the body may have up to {} bytes"


class BodyLimit:
    """ASGI middleware: refuses by `Content-Length` at once, and a body without one as soon as it grew too large.

    `exceptions` are the limits of requests by their method and path ("POST /v1/uploads").
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, exceptions: Mapping[str, int]) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._exceptions = exceptions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        max_bytes = self._exceptions.get(f"{scope['method']} {scope['path']}", self._max_bytes)
        detail = _DETAIL.format(max_bytes)
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > max_bytes:
            return await problem_response(ContentTooLarge(detail))(scope, receive, send)
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > max_bytes:
                # The one kind of exception that FastAPI lets through while it reads a body.
                raise HTTPException(ContentTooLarge.http_status, detail)
            return message

        return await self._app(scope, limited, send)
