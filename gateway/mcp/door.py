"""`POST /mcp`: stateless streamable HTTP of the Model Context Protocol.

The route authenticates as every other one, before it reads the body. The SDK of the protocol then gets the request.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.types import Message, Receive, Send
from starlette.types import Scope as AsgiScope

from gateway.authentication import customers_router, needs
from gateway.dependencies import ServicesOf
from gateway.mcp.envelope import InvalidMessage, require_message
from gateway.mcp.reelworks import GatewayReelworks
from gateway.origins import own_origins
from gateway.problems import BadRequest, OriginRefused
from schemas.enums import Door, Scope
from schemas.errors import Unavailable
from schemas.settings import Settings

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH = "/mcp"

# Before the SDK reads a body, `BodyLimit` has held it against the usual limit.
_MOST_BYTES = 1024 * 1024

_LONGEST_VERSION = 40


@asynccontextmanager
async def _serving(app: FastAPI) -> AsyncIterator[None]:
    """Runs the protocol while the application runs."""
    app.state.mcp = None
    if find_spec("mcp") is None:
        yield
        return
    app.state.mcp = manager = _manager(app)
    async with manager.run():
        yield


router = customers_router(PATH, Door.MCP, lifespan=_serving)


@router.post("", include_in_schema=False, openapi_extra=needs(Scope.READ))
async def serve_mcp(request: Request, services: ServicesOf) -> Response:
    """Serves one message of the protocol. A tool that orders or cancels needs the scope `generate`, too."""
    _require_origin(request.headers.get("origin"), services.settings)
    manager = request.app.state.mcp
    if manager is None:
        raise Unavailable("this gateway lacks the extra `mcp`: its operator runs pip install 'reelworks[mcp]'")
    _require_version(request.headers.get("mcp-protocol-version", ""))
    body = await request.body()
    try:
        require_message(body)
    except InvalidMessage as error:
        return JSONResponse(error.answer(), BadRequest.http_status)
    return _Exchange(manager, body)


class _Exchange(Response):
    """The answer of the SDK to a request whose body is read.

    The call holds a turn of its customer until its answer begins to leave, and again when its client hangs up.

    The places for files that the answer takes are free once the client has the answer. The connection of a client that
    does not read the answer ends after a time (`connections.idle_seconds`).
    """

    def __init__(self, manager: "StreamableHTTPSessionManager", body: bytes) -> None:
        super().__init__()
        self._manager = manager
        self._received = body

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        app: FastAPI = scope["app"]
        is_read = False

        async def replayed() -> Message:
            nonlocal is_read
            if is_read:
                message = await receive()
                # The SDK ends the call now.
                await turn.take()
                return message
            is_read = True
            return {"type": "http.request", "body": self._received, "more_body": False}

        async def followed(message: Message) -> None:
            """Send a part. After the last one comes an empty part, which waits until the client has the others."""
            if message.get("body"):
                # A client may take its time to read.
                turn.give_back()
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                await send({**message, "more_body": True})
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        state = scope["state"]
        async with app.state.services.turns.of(state["caller"].live_id) as turn:
            with ExitStack() as places:
                state |= {"places": places, "turn": turn}
                await self._manager.handle_request(scope, replayed, followed)


def _manager(app: FastAPI) -> "StreamableHTTPSessionManager":
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from agents.server import build

    # The SDK logs what a client sent, and a log line holds no prompt.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    settings: Settings = app.state.services.settings

    def reelworks_of(context: Any) -> GatewayReelworks:
        state = context.request.state
        return GatewayReelworks(app.state.services, state.caller, state.places, state.turn)

    server = build(reelworks_of, confirm_above=settings.mcp.confirm_above_credits)
    return StreamableHTTPSessionManager(server, stateless=True, max_request_body_size=_MOST_BYTES)


def _require_version(version: str) -> None:
    """Require that the header is short: the SDK repeats a version that it does not know.

    Raises:
        BadRequest: no version is so long.
    """
    if len(version) > _LONGEST_VERSION:
        raise BadRequest("MCP-Protocol-Version is a version of the protocol, such as 2025-11-25")


def _require_origin(origin: str | None, settings: Settings) -> None:
    """Require that a page which calls from a browser is one of ours, or of the operator's.

    A page of a stranger can give its own name the address of this server (DNS rebinding), and then is of the same
    origin for the browser. Its header `Origin` still names the stranger.

    Raises:
        OriginRefused: the page is another one.
    """
    if origin is None or "*" in settings.cors_origins:
        return
    if origin not in own_origins(settings) | set(settings.cors_origins):
        raise OriginRefused("pages of this origin may not call here: the operator names it in REELWORKS_CORS_ORIGINS")
