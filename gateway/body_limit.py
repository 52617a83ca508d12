"""Limits the size of request bodies."""

from collections.abc import Mapping

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import ContentTooLarge, problem_response

_DETAIL = "the body may have up to {} bytes"

# The limit for a body above the usual size, which can contain files as base64. Parsing a million small values would
# block all other requests. Commas count the values, because base64 has none.
_MOST_COMMAS = 10_000
_MANY_VALUES = f"a body above {{}} bytes may hold files as data URIs, and up to {_MOST_COMMAS} commas beside them"


class BodyLimit:
    """ASGI middleware: refuses a body by its `Content-Length`, or else as soon as it exceeds the limit.

    `exceptions` has other limits, by method and path ("POST /v1/uploads").
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
        is_json = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower().endswith("json")
        received, commas = 0, 0

        async def limited() -> Message:
            nonlocal received, commas
            message = await receive()
            body = message.get("body", b"")
            received += len(body)
            # FastAPI lets only `HTTPException` through while it reads a body.
            if received > max_bytes:
                raise HTTPException(ContentTooLarge.http_status, detail)
            commas += body.count(b",") if is_json else 0
            if received > self._max_bytes and commas > _MOST_COMMAS:
                raise HTTPException(ContentTooLarge.http_status, _MANY_VALUES.format(self._max_bytes))
            return message

        return await self._app(scope, limited, send)
