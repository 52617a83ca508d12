"""One real sandbox process for the whole run, reset before every test."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import httpx
import pytest

from sandbox.client import SandboxClient
from tests.sandbox.harness import (
    KEY,
    KLING_KEY,
    PATIENCE_SECONDS,
    Kie,
    Kling,
    Received,
    Receiver,
    free_port,
    start_sandbox,
)


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    port = free_port()
    process = start_sandbox(port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert output.splitlines() == [
        f"INFO sandbox: SANDBOX on http://127.0.0.1:{port}: it calls no vendor, and every file from it is made up"
    ]


@pytest.fixture
def sandbox(sandbox_url: str) -> Iterator[SandboxClient]:
    """The control API of a sandbox without scenarios, tasks or limits that a test could hit by accident."""
    with SandboxClient(sandbox_url) as client:
        client.reset()
        client.set_limits(creates_per_10_seconds=1000, reads_per_second=1000)
        yield client


@pytest.fixture
def word() -> str:
    return uuid4().hex


@pytest.fixture
def kie(sandbox: SandboxClient, sandbox_url: str, word: str) -> Iterator[Kie]:
    with httpx.Client(
        base_url=sandbox_url, headers={"Authorization": f"Bearer {KEY}"}, timeout=PATIENCE_SECONDS, trust_env=False
    ) as client:
        yield Kie(client, word)


@pytest.fixture
def kling(sandbox: SandboxClient, sandbox_url: str, word: str) -> Iterator[Kling]:
    headers = {"Authorization": f"Bearer {KLING_KEY}"}
    with httpx.Client(base_url=sandbox_url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False) as client:
        yield Kling(client, word)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.received.append(Received({key.lower(): value for key, value in self.headers.items()}, body))
            self.send_response(state.statuses.pop(0) if state.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state = Receiver(f"http://127.0.0.1:{server.server_address[1]}/callback")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        server.shutdown()
        thread.join()
