"""Limits the size of request bodies, and the number of values in JSON."""

from collections.abc import Mapping

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import ContentTooLarge, problem_response

_DETAIL = "the body may have up to {} bytes"

# A parser needs a second for a million small values, and blocks all other requests meanwhile. Only these bytes begin a
# value, and base64 has none of them.
_STRUCTURE = (b",", b"[", b"{")
_MOST_VALUES = 20_000
_MANY_VALUES = f"a JSON body may have up to {_MOST_VALUES} commas and brackets"


class BodyLimit:
    """ASGI middleware: refuses a body by its `Content-Length`, or else as soon as it exceeds the limit.

    `exceptions` has other limits, by method and path ("POST /v1/uploads"). The bodies of `files` are not JSON.
    """

    def __init__(
        self, app: ASGIApp, *, max_bytes: int, exceptions: Mapping[str, int], files: frozenset[str] = frozenset()
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._exceptions = exceptions
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        operation = f"{scope['method']} {scope['path']}"
        max_bytes = self._exceptions.get(operation, self._max_bytes)
        detail = _DETAIL.format(max_bytes)
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > max_bytes:
            return await problem_response(ContentTooLarge(detail))(scope, receive, send)
        is_json = operation not in self._files
        received, values = 0, 0

        async def limited() -> Message:
            nonlocal received, values
            message = await receive()
            body = message.get("body", b"")
            received += len(body)
            # FastAPI lets only `HTTPException` through while it reads a body.
            if received > max_bytes:
                raise HTTPException(ContentTooLarge.http_status, detail)
            values += sum(body.count(mark) for mark in _STRUCTURE) if is_json else 0
            if values > _MOST_VALUES:
                raise HTTPException(ContentTooLarge.http_status, _MANY_VALUES)
            return message

        return await self._app(scope, limited, send)
