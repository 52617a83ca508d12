"""Serves HEAD on every path that serves GET."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.types import ASGIApp, Receive, Scope, Send

READS = frozenset({"GET", "HEAD"})
"""The methods that change nothing."""

_MARK = "reelworks.head"


class HeadAsGet:
    """ASGI middleware: serves a HEAD request as a GET request. Uvicorn omits the body of the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)
        # A copy: for the server and the log, the request stays a HEAD.
        as_get = {**scope, "method": "GET", _MARK: True}
        try:
            await self._app(as_get, receive, send)
        finally:
            # The counts of requests name the route.
            scope["route"] = as_get.get("route")
        return None


def _is_head(request: Request) -> bool:
    return _MARK in request.scope


IsHead = Annotated[bool, Depends(_is_head)]
"""Whether the request is a HEAD. A route with an expensive body can then omit the body."""
