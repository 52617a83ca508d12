"""A gateway that listens, in a thread of the test process."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy

import httpx
import uvicorn
from fastapi import FastAPI
from structlog.typing import EventDict

from gateway.server import server_config
from schemas.settings import Settings, get_settings
from stack.http import shared_client
from tests.support import eventually


def requests_logged(lines: list[EventDict], count: int) -> list[EventDict]:
    """The lines of this many requests. A gateway writes the line after its answer."""
    return eventually(lambda: [line for line in lines if line["event"] == "request"], lambda found: len(found) >= count)


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
            with shared_client(address, seconds=30) as client:
                # Tests share the client: the sign-in of one must not authenticate another.
                client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
                yield client
        finally:
            server.should_exit = True
            thread.join()
