"""HEAD, wherever there is GET."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.types import ASGIApp, Receive, Scope, Send

_MARK = "reelworks.head"


class HeadAsGet:
    """ASGI middleware: a HEAD is served as the GET that it asks about. Uvicorn sends no body in answer to one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            # A copy: to the server and to the log it stays a HEAD.
            scope = {**scope, "method": "GET", _MARK: True}
        await self._app(scope, receive, send)


def _is_head(request: Request) -> bool:
    return _MARK in request.scope


IsHead = Annotated[bool, Depends(_is_head)]
"""For a route whose body is dear: whether nobody will read it."""
