"""Serves the metrics of this process: `/metrics` for Prometheus, and `/targets` with all processes of this machine.

Each process has a port. The first process takes the port of the settings, and each other one the next that is free.
There is no login: the port listens on loopback, or inside the network of the containers, and is never published.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import AF_INET6
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import structlog
from prometheus_client import make_wsgi_app

from metrics.instruments import REGISTRY
from metrics.targets import ANY_HOST, Target, listed
from schemas.metrics_settings import MetricsSettings
from schemas.reach import Reach, connectable, reach_of

log = structlog.get_logger()

_PORTS: Final = 200

_Respond = Callable[[str, list[tuple[str, str]]], object]
_Application = Callable[[dict[str, Any], _Respond], Iterable[bytes]]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without a look-up of the machine's name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "metrics", int(self.server_address[1])
        self.setup_environ()


class _Server6(_Server):
    address_family = AF_INET6


class _Handler(WSGIRequestHandler):
    # A reader that sends nothing holds a thread for so long.
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the standard library
        """Log nothing: Prometheus reads every few seconds."""


@contextmanager
def serving(settings: MetricsSettings, data_folder: Path, *, process: str, role: str) -> Iterator[Target | None]:
    """Serve the metrics of this process during the block. None: the settings switch metrics off.

    Args:
        process: the name of the process, such as `provider2`.
        role: the role of the process: a worker's role, or `gateway`.
    """
    if not settings.enabled:
        yield None
        return
    folder = settings.folder_in(data_folder)
    server = _bound(settings)
    target = Target.of_this_process(settings.host, server.server_port, process=process, role=role)
    is_local = reach_of(f"http://{connectable(settings.host)}") is Reach.MACHINE and settings.host not in ANY_HOST
    server.set_app(_application(folder, target, is_local=is_local))
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    log.info("metrics_served", address=target.address)
    try:
        with listed(folder, target):
            yield target
    finally:
        server.shutdown()
        server.server_close()


def _bound(settings: MetricsSettings) -> _Server:
    """A server at the first free port. No process is left out: its counts would be missing in every sum."""
    ports = range(settings.port, min(settings.port + _PORTS, 65_536)) if settings.port else ()
    kind = _Server6 if ":" in settings.host else _Server
    for port in (*ports, 0):
        try:
            return kind((settings.host, port), _Handler)
        except OSError:
            if port == 0:
                raise
    raise AssertionError("the last port is 0")


def _application(folder: Path | None, own: Target, *, is_local: bool) -> _Application:
    """The answers. On loopback a reader must ask for a loopback name.

    Else the page of a stranger, open in a browser here, could give its own name the address 127.0.0.1 and read along.
    """
    metrics: _Application = make_wsgi_app(REGISTRY)

    def answer(environ: dict[str, Any], respond: _Respond) -> Iterable[bytes]:
        if is_local and reach_of(f"http://{environ.get('HTTP_HOST', '')}") is not Reach.MACHINE:
            respond("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"ask for 127.0.0.1 or localhost\n"]
        match environ["PATH_INFO"]:
            case "/metrics":
                return metrics(environ, respond)
            case "/targets":
                respond("200 OK", [("Content-Type", "application/json")])
                return [json.dumps([target.document() for target in Target.all_in(folder) or [own]]).encode()]
            case _:
                respond("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
                return [b"here are /metrics and /targets\n"]

    return answer
