"""A gateway that listens, in a thread of the test process."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from uuid import uuid4

import httpx
import uvicorn
from fastapi import FastAPI
from redis import Redis
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from structlog.typing import EventDict

from gateway.dependencies import GatewayServices
from gateway.server import server_config
from schemas.enums import Queue, Stage
from schemas.settings import Settings, get_settings
from stack.http import shared_client
from storage.generations import Wake
from tests.support import eventually

# The gateways that listen in this process.
_LISTENING: list[GatewayServices] = []


@contextmanager
def request_logs() -> Iterator[list[EventDict]]:
    """The log lines of this process, with the ids of their requests."""
    with capture_logs(processors=[merge_contextvars]) as lines:
        yield lines


def logged(lines: list[EventDict], request_id: str) -> list[EventDict]:
    """The lines of a request of `request_logs`. A gateway writes the last one after its answer.

    The gateways of the process may still write lines of earlier tests.
    """
    return eventually(
        lambda: [line for line in lines if line.get("request_id") == request_id],
        lambda found: "request" in [line["event"] for line in found],
    )


@contextmanager
def serving(app: FastAPI, settings: Settings | None = None) -> Iterator[httpx.Client]:
    """A client of the application, over real HTTP."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(server_config(app, settings or get_settings()))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            # The application has its services from here on.
            while thread.is_alive() and not server.started:
                time.sleep(0.005)
            with shared_client(address, seconds=100) as client, _listed(app):
                # Tests share the client: the sign-in of one must not authenticate another.
                client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
                yield client
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def _listed(app: FastAPI) -> Iterator[None]:
    services: GatewayServices | None = getattr(app.state, "services", None)
    if services is None:
        yield
        return
    _LISTENING.append(services)
    try:
        yield
    finally:
        _LISTENING.remove(services)


def empty_broker(broker: Redis, settings: Settings) -> None:
    """Delete all that Redis has, and what the gateways of this process are about to send.

    A gateway sends wake-ups from a thread, in their order: the last one of an earlier test may still be on its way.
    """
    broker.flushdb()
    lasts = set[str]()
    for services in _LISTENING:
        if services.settings.redis_url == settings.redis_url:
            last = uuid4()
            services.wakes.send(Wake(last, Stage.QUEUED, 0))
            lasts.add(str(last))
    eventually(lambda: str(broker.lrange(Queue.SUBMIT.value, 0, -1)), lambda sent: all(last in sent for last in lasts))
    broker.flushdb()
