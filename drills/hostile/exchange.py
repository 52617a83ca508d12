"""One request to the attacker's server, and the bytes of its answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

_BLOCK = bytes(65_536)
_DRIP_SECONDS = 0.1


@dataclass
class Exchange:
    """One request, and the bytes that its answer has sent so far."""

    connection: socket.socket
    """The connection."""
    head: bytes
    """The request line and the headers."""
    url: str
    """The address of the attacker's server."""
    private_port: int
    """A port of 127.0.0.1 and ::1 that no stranger may reach."""
    release: threading.Event
    """Ends every answer without an end."""
    sent_bytes: int = 0
    """The bytes sent so far."""

    def send(self, *parts: bytes) -> None:
        """Send bytes.

        Raises:
            OSError: the other side has closed the connection.
        """
        for part in parts:
            self.connection.sendall(part)
            self.sent_bytes += len(part)

    def answer(self, body: bytes = b"", *, status: str = "200 OK", headers: str = "Content-Type: image/png") -> None:
        """Send an answer with its Content-Length."""
        self.send(head(f"{headers}\r\nContent-Length: {len(body)}", status=status), body)

    def flood(self, block: bytes = _BLOCK, *, most_bytes: int) -> None:
        """Send a block again and again."""
        for _ in range(most_bytes // len(block)):
            self.send(block)

    def drip(self, drop: bytes = b"\0") -> None:
        """Send a few bytes a second until the end of the attack."""
        while not self.release.wait(_DRIP_SECONDS):
            self.send(drop)

    def stay_silent(self) -> None:
        """Send nothing until the end of the attack, or until the other side gives up."""
        self.connection.settimeout(_DRIP_SECONDS)
        while not self.release.is_set():
            with suppress(TimeoutError):
                if not self.connection.recv(1):
                    return

    def offset(self) -> int:
        """The first byte of the range that the request asks for."""
        _, found, rest = self.head.lower().partition(b"\r\nrange: bytes=")
        return int(rest.partition(b"-")[0]) if found else 0


def head(headers: str, *, status: str = "200 OK") -> bytes:
    """The head of an answer after which the connection ends."""
    return f"HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n\r\n".encode()


def chunked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Blocks in the transfer coding `chunked`, without the last chunk."""
    for block in blocks:
        yield f"{len(block):x}\r\n".encode() + block + b"\r\n"
