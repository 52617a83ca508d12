"""Runs the sandbox's application."""

import contextlib
import logging
import socket

import uvicorn
from fastapi import FastAPI

from sandbox.app import create_app
from sandbox.config import SandboxConfig
from sandbox.connection import SandboxProtocol
from sandbox.state import Sandbox

# How long a stopping server waits until clients have received their responses.
_GRACE_SECONDS = 10

logger = logging.getLogger("sandbox")


class SandboxServer(uvicorn.Server):
    """A server that names itself as a sandbox, and ends all deliberate pauses before it stops."""

    def __init__(self, config: SandboxConfig, *, host: str, port: int) -> None:
        self._sandbox_config = config
        self._app: FastAPI = create_app(config)
        super().__init__(
            uvicorn.Config(
                self._app,
                host=host,
                port=port,
                http=SandboxProtocol,
                ws="websockets-sansio",
                ws_ping_interval=None,
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                headers=[("X-Reelworks-Sandbox", "true")],
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print the address."""
        await super().startup(sockets)
        logger.info(
            "SANDBOX on %s: it calls no vendor, and every file from it is made up", self._sandbox_config.public_url
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop promptly, with requests pending or not."""
        sandbox: Sandbox = self._app.state.sandbox
        sandbox.lifetime.stop()
        await super().shutdown(sockets)


def serve(config: SandboxConfig, *, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. Logs with the logger `sandbox`. Exits with 3 when the port is taken."""
    with contextlib.suppress(KeyboardInterrupt):
        SandboxServer(config, host=host, port=port).run()
