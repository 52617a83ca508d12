"""Attacks on the gateway's connections, before any key."""

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from drills.hostile.probe import Probe
from drills.hostile.target import Target

_HEAD = b"GET /v1/generations HTTP/1.1\r\nHost: x\r\n"
_CREATE = b"POST /v1/generations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_CHUNKED = _CREATE + b"Transfer-Encoding: chunked\r\n\r\n"
_PART = 65_536
_HELD_SECONDS = 2.0


@contextmanager
def connected(target: Target) -> Iterator[socket.socket]:
    with socket.create_connection(target.address, timeout=10) as connection:
        yield connection


def _sent(target: Target, parts: Iterable[bytes]) -> str:
    """Send everything that the server takes. Returns the status and the bytes that the server took."""
    taken = 0
    with connected(target) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                taken += len(part)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(_PART)
        except OSError:
            answer = b""
            with suppress(OSError):
                answer = connection.recv(_PART)
    status = answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/") else "closed"
    return f"{status} after {taken / 1024:.0f} KiB"


def _flood(begin: bytes, part: bytes, mebibytes: int) -> Callable[[Target], str]:
    block = part * (_PART // len(part))
    return lambda target: _sent(target, (begin, *[block] * (mebibytes * 16)))


def _held(count: int, sent: bytes) -> Callable[[Target], str]:
    def attack(target: Target) -> str:
        with ExitStack() as stack:
            refused = 0
            for _ in range(count):
                try:
                    stack.enter_context(connected(target)).sendall(sent.replace(b"KEY", target.evil.key.encode()))
                except OSError:
                    refused += 1
            time.sleep(_HELD_SECONDS)
        return f"{count - refused} held"

    return attack


def _dripped(begin: bytes, drip: bytes, count: int) -> Callable[[Target], str]:
    def attack(target: Target) -> str:
        with ExitStack() as stack:
            held = [stack.enter_context(connected(target)) for _ in range(count)]
            for connection in held:
                connection.sendall(begin.replace(b"KEY", target.evil.key.encode()))
            ends_at = time.monotonic() + _HELD_SECONDS
            while time.monotonic() < ends_at:
                for connection in held:
                    with suppress(OSError):
                        connection.sendall(drip)
                time.sleep(0.1)
        return f"{count} dripped"

    return attack


_HALF_JSON = _CREATE + b"X-API-Key: KEY\r\nContent-Length: 8000000\r\n\r\n" + b'{"prompt": "' + b"x" * 4000
_UPLOAD = b"POST /v1/uploads HTTP/1.1\r\nHost: x\r\nX-API-Key: KEY\r\nContent-Length: 8000000\r\n\r\n"
_HALF_UPLOAD = _UPLOAD + b"\x89PNG\r\n\x1a\n" + b"x" * 100
_END = b"\r\n\r\n"
_OPENAPI = b"GET /openapi.json HTTP/1.1\r\nHost: x"


def _once(sent: bytes) -> Callable[[Target], str]:
    return lambda target: _sent(target, [sent])


CONNECTIONS = [
    Probe("head", "a header value of 300 MiB", _flood(_HEAD + b"X: ", b"a", 300)),
    Probe("head", "a header name of 64 MiB", _flood(_HEAD, b"a", 64)),
    Probe("head", "header lines of 64 MiB", _flood(_HEAD, b"X: y\r\n", 64)),
    Probe("head", "folded header lines", _flood(_HEAD + b"X: y\r\n", b" y\r\n", 16)),
    Probe("head", "a path of 64 MiB", _flood(b"GET /", b"a", 64)),
    Probe("head", "a query of 16 MiB", _flood(b"GET /v1/models?", b"a=b&", 16)),
    Probe("head", "a method of 16 MiB", _flood(b"", b"A", 16)),
    Probe("head", "empty lines", _flood(b"", b"\r\n", 16)),
    Probe("head", "NUL bytes", _flood(b"", b"\x00", 4)),
    Probe("head", "TLS in plain HTTP", _flood(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\xaa", 4)),
    Probe("head", "cookies of 100 kB", _once(_HEAD + b"Cookie: " + b"a" * 100_000 + b"\r\n\r\n")),
    Probe("head", "1,000 fields", _once(_HEAD + b"X: y\r\n" * 1000 + b"\r\n")),
    Probe("head", "trailers without end", _flood(_CHUNKED + b"1\r\na\r\n0\r\n", b"X: y\r\n", 16)),
    Probe("head", "chunk extensions without end", _flood(_CHUNKED + b"1;", b"a=b;", 16)),
    Probe("head", "chunks of one byte", _flood(_CHUNKED, b"1\r\na\r\n", 8)),
    Probe("head", "10,000 requests at once", _once((_HEAD + b"\r\n") * 10_000)),
    Probe("head", "a Content-Length of 10^30", _once(_CREATE + b"Content-Length: 1" + b"0" * 30 + _END)),
    Probe("head", "two Content-Lengths", _once(_CREATE + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab")),
    Probe("head", "an upgrade to h2c", _once(_HEAD + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n")),
    Probe("connection", "300 silent", _held(300, b"")),
    Probe("connection", "2,500 silent", _held(2500, b"")),
    Probe("connection", "300 with half a head", _held(300, _HEAD)),
    Probe("connection", "300 with half a body, no key", _held(300, _HALF_JSON.replace(b"KEY", b"none"))),
    Probe("connection", "40 with half a body of 8 MB and a key", _held(40, _HALF_JSON)),
    Probe("connection", "100 half uploads of one customer", _held(100, _HALF_UPLOAD)),
    Probe("connection", "100 dripped heads", _dripped(_HEAD, b"X", 100)),
    Probe("connection", "100 dripped bodies", _dripped(_HALF_JSON, b"x", 100)),
    Probe("connection", "16 dripped uploads", _dripped(_HALF_UPLOAD, b"x", 16)),
    Probe("connection", "100 answers that nobody reads", _held(100, (_OPENAPI + _END) * 10)),
]  # fmt: skip
