"""Breaking connections on purpose, which ASGI has no word for."""

import asyncio

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class SandboxProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with each connection's transport given to the application in `scope["state"]`."""

    def connection_made(  # type: ignore[override]  # as uvicorn's own: a TCP server's transport is always this one
        self, transport: asyncio.Transport
    ) -> None:
        """Keep the transport where the application finds it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Send what was written so far, close the connection, and wait until it is closed."""
    transport: asyncio.Transport = scope["state"]["transport"]
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
