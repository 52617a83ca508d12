"""Runs the gateway in uvicorn, with limits for every connection."""

import gc
import resource
import socket

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from gateway.connections import bounded_protocol
from gateway.dialects import error_form
from metrics.server import serving
from schemas.settings import Settings
from traces.process import tracing
from workers import known_labels

# Files and sockets beside the connections of clients: databases, logs, uploads.
_OTHER_FILES = 500

# libuv takes one connection of a listening socket in each turn of the event loop. With one socket, a new client would
# wait for a turn of each client before it, and the requests of a burst make each turn long.
_ACCEPTED_AT_ONCE = 32


class _Server(uvicorn.Server):
    """Keeps the objects of the start out of later garbage collections: each one stopped all requests for 0.1 s."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and then begin to serve."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()


def server_config(app: ASGIApp | str, settings: Settings) -> uvicorn.Config:
    """The configuration of a server for `app`: an application, or the import path of a factory."""
    limits = settings.connections
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        host=settings.gateway_host,
        port=settings.gateway_port,
        http=bounded_protocol(limits, error_form),  # type: ignore[arg-type]  # uvicorn calls the class, so a factory will do
        ws="none",
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=settings.gateway_drain_seconds,
        log_config=None,
        access_log=False,
        server_header=False,
    )


def listeners(config: uvicorn.Config) -> list[socket.socket]:
    """The sockets that a server listens on: the address of the configuration, several times.

    Exits with 3 if the address is taken.
    """
    first = config.bind_socket()
    return [first, *(first.dup() for _ in range(_ACCEPTED_AT_ONCE - 1))]


def run_gateway(settings: Settings) -> None:
    """Serve until SIGTERM. Exits with 3 if the application cannot start."""
    _allow_files(settings.connections.max_connections + _OTHER_FILES)
    config = server_config("api_gateway:create_ready_app", settings)
    server = _Server(config)
    known_labels.learn(settings)
    with (
        serving(settings.metrics, settings.data_folder, process="gateway", role="gateway"),
        tracing(settings, process="gateway", role="gateway"),
    ):
        server.run(listeners(config))
    if not server.started:
        raise SystemExit(STARTUP_FAILURE)


def _allow_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
