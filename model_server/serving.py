"""Starts the server, and ends it: SIGTERM lets the running job finish."""

import logging
import os
import secrets
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import FrameType

import structlog
import uvicorn
from fastapi.responses import Response

from gateway.connections import bounded_protocol
from model_server import measured
from model_server.app import Server, create_app, error_answer
from model_server.configuration import Configuration
from model_server.errors import ConfigurationInvalid
from model_server.jobs import Job, Status
from model_server.runner import Runner
from model_server.store import Store
from model_server.webhooks import WebhookSender
from schemas.errors import RequestError
from schemas.reach import Reach, reach_of
from schemas.setting_groups import ConnectionSettings

log = structlog.get_logger()

_CONNECTIONS = ConnectionSettings(max_connections=200)
_UNFINISHED = (Status.QUEUED, Status.LOADING, Status.RUNNING)
_LAST_ANSWERS_SECONDS = 5
_ABANDON_SECONDS = 10.0
_ANY_HOST = frozenset({"0.0.0.0", "::"})  # noqa: S104 -- compared, not listened on


def serve(configuration: Configuration, *, host: str, port: int, state: Path) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        ConfigurationInvalid: the address can be reached from elsewhere, and the server has no key.
        FolderInUse: another server uses the state folder.
    """
    check_reach(configuration, host)
    _share_threads(configuration.server.torch_threads)
    instance = f"{socket.gethostname()}-{secrets.token_hex(4)}"
    store = Store(state, instance=instance)
    key = configuration.server.webhook_key
    sender = WebhookSender(None if key is None else key.get_secret_value())
    _tell(store.lose(*_UNFINISHED), sender)
    store.remove_strays()
    runner = Runner(configuration, store, on_end=sender.send)
    server = Server(configuration, store, runner, instance, on_end=sender.send)
    http = _Drained(_uvicorn_config(server, host, port), server, sender)
    runner.start()
    http.run()
    runner.abandon()
    _tell(store.lose(*_UNFINISHED), sender)
    sender.close()
    store.close()
    logging.shutdown()
    # A call of torch that still runs would hold up the interpreter's own end.
    os._exit(0 if http.started else 3)


def check_reach(configuration: Configuration, host: str) -> None:
    """Refuse to listen beyond loopback without a key.

    Raises:
        ConfigurationInvalid: says which variable to set.
    """
    name = f"[{host}]" if ":" in host else host
    is_local = host not in _ANY_HOST and reach_of(f"http://{name}") is Reach.MACHINE
    if configuration.server.api_key is None and not is_local:
        raise ConfigurationInvalid(
            f"{host} can be reached from other machines, and the server has no key: set MODEL_SERVER_API_KEY"
            " (16 or more characters), or listen on 127.0.0.1"
        )


class _Drained(uvicorn.Server):
    """On the first signal, the running job may finish while the server still answers. A second signal ends at once."""

    def __init__(self, config: uvicorn.Config, server: Server, sender: WebhookSender) -> None:
        super().__init__(config)
        self._server = server
        self._sender = sender

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 -- as in uvicorn
        """Drain, or end. Ctrl-C ends as quickly as a second signal."""
        if self._server.is_draining or sig == signal.SIGINT:
            self._server.is_draining = True
            self._server.runner.drain()
            self._server.runner.abandon()
            # uvicorn's own handler would let the signal end the process before the jobs are written down.
            self.force_exit = self.should_exit
            self.should_exit = True
            return
        self._server.is_draining = True
        Thread(target=self._drain, name="drain", daemon=True).start()

    def _drain(self) -> None:
        runner, store = self._server.runner, self._server.store
        runner.drain()
        log.info("model_server_drains", seconds=self._server.configuration.server.drain_seconds)
        # Whoever asked for them can send them elsewhere now.
        try:
            _tell(store.close_queue(), self._sender)
            deadline = time.monotonic() + self._server.configuration.server.drain_seconds
            while time.monotonic() < deadline and store.count(Status.LOADING, Status.RUNNING):
                time.sleep(0.1)
            runner.abandon()
            with suppress(RuntimeError):
                runner.join(_ABANDON_SECONDS)
        finally:
            self.should_exit = True


def _tell(lost: list[Job], sender: WebhookSender) -> None:
    for job in lost:
        measured.JOBS.labels(job.pipeline, job.status.value).inc()
        log.warning("job_lost", job=job.id, reference=job.reference, pipeline=job.pipeline)
        sender.send(job)


def _uvicorn_config(server: Server, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(server),
        host=host,
        port=port,
        http=bounded_protocol(_CONNECTIONS, lambda _path: _connection_error),  # type: ignore[arg-type]  # as in gateway.server
        ws="none",
        timeout_keep_alive=_CONNECTIONS.idle_seconds,
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
        log_config=None,
        access_log=False,
        server_header=False,
    )


def _connection_error(problem: RequestError) -> Response:
    return error_answer(problem.http_status, problem.code, problem.detail or problem.title)


def _share_threads(threads: int) -> None:
    """Fix the threads of the libraries below torch, before they are loaded."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # The server fetches weights alone: no counts of use go to the hub.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
