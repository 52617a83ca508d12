"""No request body is larger than we want to take."""

from collections.abc import Mapping

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import ContentTooLarge, problem_response

_DETAIL = "the body may have up to {} bytes"

# Of a body that may be larger than others because it holds files as text. Reading a million small values would keep all
# other requests waiting, and base64 has no commas.
_MOST_COMMAS = 10_000
_MANY_VALUES = f"a body above {{}} bytes may hold files as data URIs, and up to {_MOST_COMMAS} commas beside them"


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
        is_json = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower().endswith("json")
        received, commas = 0, 0

        async def limited() -> Message:
            nonlocal received, commas
            message = await receive()
            body = message.get("body", b"")
            received += len(body)
            # The one kind of exception that FastAPI lets through while it reads a body.
            if received > max_bytes:
                raise HTTPException(ContentTooLarge.http_status, detail)
            commas += body.count(b",") if is_json else 0
            if received > self._max_bytes and commas > _MOST_COMMAS:
                raise HTTPException(ContentTooLarge.http_status, _MANY_VALUES.format(self._max_bytes))
            return message

        return await self._app(scope, limited, send)
