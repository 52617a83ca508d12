"""Limits the size of request bodies, and the number of values in JSON."""

from collections.abc import Mapping
from contextlib import ExitStack

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.dependencies import GatewayServices
from gateway.problems import ContentTooLarge
from intake.callers import Caller
from schemas.errors import TooManyRequests, Unavailable
from schemas.json_values import MOST_VALUES, TOO_MANY_VALUES, count_values
from schemas.shares import NoPlace

_DETAIL = "the body may have up to {} bytes"

# The most bytes of a body, where its operation has no other limit. A larger body of JSON takes one of the places for
# large bodies, because all of it is in memory until its answer.
_USUAL_BYTES = 1024 * 1024

FORM = "multipart/form-data"
"""The media type of forms with files."""


class BodyLimit:
    """ASGI middleware: refuses a body by its `Content-Length`, or else as soon as it exceeds the limit.

    The refusal comes when the application begins to read: a request without a valid key is refused for its key first.

    `larger` has other limits, by method and path ("POST /v1/uploads"). The bodies of `files` are not JSON. Where an
    operation takes JSON and forms, the media type of forms follows ("POST /openai/v1/videos multipart/form-data").
    """

    def __init__(self, app: ASGIApp, *, larger: Mapping[str, int], files: frozenset[str]) -> None:
        self._app = app
        self._larger = larger
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        operation = self._operation(f"{scope['method']} {scope['path']}", headers.get("content-type", ""))
        max_bytes = self._larger.get(operation, _USUAL_BYTES)
        announced = headers.get("content-length", "0")
        body = _LimitedBody(
            scope,
            receive,
            send,
            max_bytes=max_bytes,
            announced_bytes=int(announced) if announced.isdecimal() else 0,
            is_json=operation not in self._files,
        )
        with body.places:
            return await self._app(scope, body.receive, body.send)

    def _operation(self, operation: str, content_type: str) -> str:
        """The name of the operation among the limits."""
        media_type = content_type.partition(";")[0].strip().lower()
        as_form = f"{operation} {media_type}"
        return as_form if media_type == FORM and as_form in self._larger else operation


class _LimitedBody:
    """The body of one request, as the application reads it. `places` holds a place for a large body."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, *, max_bytes: int, announced_bytes: int, is_json: bool
    ) -> None:
        self.places = ExitStack()
        self._scope = scope
        self._receive = receive
        self._send = send
        self._max_bytes = max_bytes
        self._announced_bytes = announced_bytes
        self._is_json = is_json
        self._received_bytes = 0
        self._values = 0
        self._has_place = False
        self._has_answered = False

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        self._has_answered = True
        await self._send(message)

    async def receive(self) -> Message:
        """The next part of the body.

        Raises:
            HTTPException: the body is too large, or too many large bodies are under way. FastAPI lets no other
                exception through while it reads a body.
        """
        if self._has_answered:
            # The application reads no body any more, and waits for the end of the connection.
            return await self._receive()
        self._require_size(self._announced_bytes)
        self._require_place(self._announced_bytes)
        message = await self._receive()
        body = message.get("body", b"")
        self._received_bytes += len(body)
        self._require_size(self._received_bytes)
        self._require_place(self._received_bytes)
        self._values += count_values(body) if self._is_json else 0
        if self._values > MOST_VALUES:
            raise HTTPException(ContentTooLarge.http_status, TOO_MANY_VALUES)
        return message

    def _require_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise HTTPException(ContentTooLarge.http_status, _DETAIL.format(self._max_bytes))

    def _require_place(self, size: int) -> None:
        """Take a place for a large body. Only routes with an API key read such bodies."""
        if self._has_place or not self._is_json or size <= _USUAL_BYTES:
            return
        services: GatewayServices = self._scope["app"].state.services
        caller: Caller = self._scope["state"]["caller"]
        owner_id = caller.named.id if caller.named else caller.key.id
        try:
            self.places.enter_context(services.body_shares.taken_by(owner_id))
        except NoPlace as error:
            problem = TooManyRequests if error.is_own else Unavailable
            text = "too many large orders are under way: send this one again, or its files to /v1/uploads first"
            raise HTTPException(problem.http_status, text, {"Retry-After": "1"}) from None
        self._has_place = self._scope["state"]["has_large_body"] = True
