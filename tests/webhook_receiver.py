"""A receiver of webhooks: keeps each request, and answers as a test says."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

from drills.chaos.listeners.receiver import whole_body
from tests.support import eventually


@dataclass(frozen=True)
class Message:
    """A received request."""

    path: str
    """The path of its URL."""
    headers: Mapping[str, str]
    """The headers, with names in lower case."""
    body: bytes
    """The body."""
    at: float
    """When it came, as `time.time()` tells."""

    @property
    def id(self) -> str:
        """The id of the message."""
        return self.headers["webhook-id"]


@dataclass(frozen=True)
class Answer:
    """An answer to a message."""

    status: int = 204
    """The HTTP status."""
    body: bytes = b""
    """The body."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers."""


HANG: Final = Answer(0)
"""No answer until the receiver ends."""


@dataclass
class Receiver:
    """The messages of one test."""

    url: str
    """The address, without a path."""
    messages: list[Message] = field(default_factory=list)
    """The messages, in the order of their arrival."""
    answer: Callable[[Message], Answer] = lambda _: Answer()
    """Answers a message."""
    is_over: threading.Event = field(default_factory=threading.Event)
    """Whether the test ends."""

    def at(self, path: str) -> list[Message]:
        """The messages to a path."""
        return [each for each in self.messages if each.path == path]

    def until(self, count: int, *, path: str | None = None) -> list[Message]:
        """Wait for so many messages."""
        read = lambda: self.messages[:] if path is None else self.at(path)  # noqa: E731
        return eventually(read, lambda found: len(found) >= count)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1000


@contextmanager
def receiving(*, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Receive messages on loopback while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = whole_body(self)
            if body is None:
                self.close_connection = True
                return
            message = Message(urlsplit(self.path).path, headers, body, time.time())
            receiver.messages.append(message)
            answer = receiver.answer(message)
            if answer is HANG:
                receiver.is_over.wait()
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()
