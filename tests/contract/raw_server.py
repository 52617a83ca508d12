"""An HTTP server that a test controls byte by byte. It can cut a connection in the middle of a header."""

import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Request:
    """A received request."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


Answer = Callable[[Request, socket.socket], None]


@dataclass
class RawServer:
    """Answers each request with the next of `answers`, then closes the connection."""

    answers: deque[Answer] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        # A default time limit of the process would end the wait for a connection.
        self._listener.setblocking(True)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for connection in list(self._open):
            hang_up(connection)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def will(self, *answers: Answer) -> None:
        """Adds answers for the next requests."""
        self.answers.extend(answers)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setblocking(True)
            self.connections += 1
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                request = _read(connection)
                if request is not None:
                    self.requests.append(request)
                    self.answers.popleft()(request, connection)
            except OSError:
                pass  # the client, or the end of the test, closed the connection first
            finally:
                self._open.discard(connection)


def hang_up(connection: socket.socket) -> None:
    """Ends a connection, even while another thread reads it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _read(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        more = connection.recv(65536)
        if not more:
            return None
        body += more
    method, target, _ = first.split(" ")
    return Request(method, target, headers, body)


def http(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """A whole response."""
    return raw(response(status, body, headers))


def response(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a response. The test's headers override the default headers."""
    all_headers = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in all_headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def raw(data: bytes) -> Answer:
    """Sends these bytes and closes the connection."""

    def answer(_request: Request, connection: socket.socket) -> None:
        connection.sendall(data)

    return answer


def silence(_request: Request, connection: socket.socket) -> None:
    """Reads the request and sends nothing until the client disconnects."""
    connection.recv(1)


def stalled(data: bytes) -> Answer:
    """Sends these bytes, then nothing until the client disconnects."""

    def answer(request: Request, connection: socket.socket) -> None:
        connection.sendall(data)
        silence(request, connection)

    return answer


def dripping(data: bytes) -> Answer:
    """Sends these bytes, then single spaces with pauses, without end."""

    def answer(_request: Request, connection: socket.socket) -> None:
        connection.sendall(data)
        connection.settimeout(0.1)
        while True:
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                connection.sendall(b" ")

    return answer


def unused_port() -> int:
    """A port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
