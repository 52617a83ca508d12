"""Breaks connections on purpose. ASGI has no message for it."""

import asyncio

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class SandboxProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol. It gives the connection's transport to the application in `scope["state"]`."""

    def connection_made(  # type: ignore[override]  # as in uvicorn: a TCP server always has this transport
        self, transport: asyncio.Transport
    ) -> None:
        """Put the transport into the state that the application sees."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Flush the output, close the connection, and wait until the connection is closed."""
    transport: asyncio.Transport = scope["state"]["transport"]
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
