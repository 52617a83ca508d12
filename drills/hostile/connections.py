"""Attacks on the gateway's connections, before any key."""

import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from drills.hostile.probe import Probe
from drills.hostile.target import Target

_HEAD = b"GET /v1/generations HTTP/1.1\r\nHost: x\r\n"
_HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
_CREDITS = b"GET /v1/credits HTTP/1.1\r\nHost: x\r\n"
_CREATE = b"POST /v1/generations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_CHUNKED = _CREATE + b"Transfer-Encoding: chunked\r\n\r\n"
_WITH_KEY = _CREATE + b"X-API-Key: KEY\r\nTransfer-Encoding: chunked\r\n\r\n"
_READ_WITH_KEY = b"GET /v1/generations HTTP/1.1\r\nHost: x\r\nX-API-Key: KEY\r\n\r\n"
_PART = 65_536
_HELD_SECONDS = 2.0
# Only a server that never answers takes so long.
_PATIENCE_SECONDS = 300.0
# The part of the time for a slow body in which a refusal must come.
_PART_OF_BODY_TIME = 2 / 3
_DRIP_EVERY_SECONDS = 0.1


@contextmanager
def connected(target: Target) -> Iterator[socket.socket]:
    with socket.create_connection(target.address, timeout=10) as connection:
        yield connection


def _sent(target: Target, parts: Iterable[bytes]) -> str:
    """Send everything that the server takes. Returns the status and the bytes that the server took."""
    taken = 0
    with connected(target) as connection:
        connection.settimeout(_PATIENCE_SECONDS)
        try:
            for part in parts:
                connection.sendall(part.replace(b"KEY", target.evil.key.encode()))
                taken += len(part)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(_PART)
        except OSError:
            answer = b""
            with suppress(OSError):
                answer = connection.recv(_PART)
    status = answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/") else "closed"
    return f"{status} after {taken // 1024} KiB"


def _flood(begin: bytes, part: bytes, mebibytes: int) -> Callable[[Target], str]:
    block = part * (_PART // len(part))
    return lambda target: _sent(target, (begin, *[block] * (mebibytes * 16)))


def _held(
    count: int, sent: bytes, seconds: float = _HELD_SECONDS, *, left: int | None = None
) -> Callable[[Target], str]:
    """Send the same on many connections, and wait. Returns how many are still open.

    Args:
        left: as in `dripped`.
    """
    return dripped(count, sent, b"", seconds, left=left)


def _burst(count: int, sent: bytes) -> Callable[[Target], str]:
    """Send the same on many connections. Returns the statuses, and how many were answered before requests of others."""

    def attack(target: Target) -> str:
        evil, good = (sent.replace(b"KEY", account.key.encode()) for account in (target.evil, target.good))
        with connected(target) as first:
            first.sendall(good)
            first.recv(_PART)
        with ExitStack() as stack:
            senders = [stack.enter_context(connected(target)) for _ in range(count)]
            for sender in senders:
                sender.sendall(evil)
            prober, reader = (stack.enter_context(connected(target)) for _ in range(2))
            prober.sendall(_HEALTH)
            reader.sendall(good)
            probed, read = (_answered_before(each, senders) for each in (prober, reader))
            statuses = Counter(sender.recv(_PART).split(b" ", 2)[1].decode() for sender in senders)
        told = ", ".join(f"{status} x {times}" for status, times in sorted(statuses.items()))
        return f"{told}; /healthz after {probed}, a reader after {read}"

    return attack


def _answered_before(one: socket.socket, others: list[socket.socket]) -> int:
    """The number of other connections that have an answer once this one has its own."""
    one.recv(_PART)
    return len(select.select(others, [], [], 0)[0])


def dripped(
    count: int, begin: bytes, drip: bytes, seconds: float = _HELD_SECONDS, *, left: int | None = None
) -> Callable[[Target], str]:
    """Begin a request on many connections, and send a few bytes a second on each. Returns how many are still open.

    Args:
        seconds: the time until the look at the connections.
        left: the number of connections that the server leaves open. A slow server gets more time to close the others;
            then these must stay open for a while. The time ends before the gateway gives up a slow body. None: one
            look, and no more time.
    """

    def attack(target: Target) -> str:
        with ExitStack() as stack:
            held = [stack.enter_context(connected(target)) for _ in range(count)]
            for connection in held:
                with suppress(OSError):
                    connection.sendall(begin.replace(b"KEY", target.evil.key.encode()))
            _drip(held, drip, seconds)
            held = _open_of(held)
            if left is not None:
                body_seconds = target.stack.settings.connections.body_seconds
                gives_up_at = time.monotonic() + min(_PATIENCE_SECONDS, _PART_OF_BODY_TIME * body_seconds)
                while len(held) > left and time.monotonic() < gives_up_at:
                    _drip(held, drip, _DRIP_EVERY_SECONDS)
                    held = _open_of(held)
                _drip(held, drip, _HELD_SECONDS if left else 0)
            return f"{len(_open_of(held))} of {count} open"

    return attack


def _drip(held: list[socket.socket], drip: bytes, seconds: float) -> None:
    """Send a few bytes on each connection, again and again for the seconds. Without bytes: wait for the seconds."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        for connection in held if drip else ():
            with suppress(OSError):
                connection.sendall(drip)
        time.sleep(_DRIP_EVERY_SECONDS)


def _open_of(held: list[socket.socket]) -> list[socket.socket]:
    return [connection for connection in held if _is_open(connection)]


def _is_open(connection: socket.socket) -> bool:
    """Whether the server has neither answered nor closed the connection."""
    connection.setblocking(False)
    try:
        connection.recv(_PART)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


_HALF_JSON = _CREATE + b"X-API-Key: KEY\r\nContent-Length: 8000000\r\n\r\n" + b'{"prompt": "' + b"x" * 4000
_UPLOAD = b"POST /v1/uploads HTTP/1.1\r\nHost: x\r\nX-API-Key: KEY\r\nContent-Length: 8000000\r\n\r\n"
HALF_UPLOAD = _UPLOAD + b"\x89PNG\r\n\x1a\n" + b"x" * 100
_END = b"\r\n\r\n"
_OPENAPI = b"GET /openapi.json HTTP/1.1\r\nHost: x"


def _hung_up(count: int, sent: bytes) -> Callable[[Target], str]:
    def attack(target: Target) -> str:
        for _ in range(count):
            with connected(target) as connection:
                connection.sendall(sent.replace(b"KEY", target.evil.key.encode()))
        return f"{count} hung up"

    return attack


def _once(sent: bytes) -> Callable[[Target], str]:
    return lambda target: _sent(target, [sent])


# After a refusal, the server reads and drops for a moment what the client still sends.
_TOO_LARGE = r"(431|closed) after \d+ KiB"
_BAD = r"(400|closed) after \d+ KiB"
# A small request has left before the server closes, so the answer always arrives.
_UNKNOWN_OR_TOO_LARGE = r"(401|431|closed) after \d+ KiB"
_TOO_LARGE_SMALL = r"431 after \d+ KiB"
_BAD_SMALL = r"400 after \d+ KiB"
# The defaults of `schemas.setting_groups.ConnectionSettings`, and a moment.
_HEAD_SECONDS = 17.0
_BODY_SECONDS = 33.0

CONNECTIONS = [
    Probe("head", "a header value of 300 MiB", _flood(_HEAD + b"X: ", b"a", 300), _TOO_LARGE),
    Probe("head", "a header value of 1 MiB", _flood(_HEAD + b"X: ", b"a", 1), _TOO_LARGE_SMALL, is_short=True),
    Probe("head", "a header name of 64 MiB", _flood(_HEAD, b"a", 64), _TOO_LARGE),
    Probe("head", "header lines of 64 MiB", _flood(_HEAD, b"X: y\r\n", 64), _TOO_LARGE),
    Probe("head", "folded header lines", _flood(_HEAD + b"X: y\r\n", b" y\r\n", 16), r"(400|431|closed) after \d+ KiB"),
    Probe("head", "a path of 64 MiB", _flood(b"GET /", b"a", 64), _TOO_LARGE),
    Probe("head", "a query of 16 MiB", _flood(b"GET /v1/models?", b"a=b&", 16), _TOO_LARGE),
    Probe("head", "a method of 16 MiB", _flood(b"", b"A", 16), _BAD),
    Probe("head", "empty lines", _flood(b"", b"\r\n", 16), _TOO_LARGE),
    Probe("head", "NUL bytes", _flood(b"", b"\x00", 4), _BAD),
    Probe("head", "TLS in plain HTTP", _flood(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\xaa", 4), _BAD),
    Probe("head", "cookies of 100 kB", _once(_HEAD + b"Cookie: " + b"a" * 100_000 + b"\r\n\r\n"), _TOO_LARGE),
    Probe(
        "head",
        "a key beyond ASCII",
        _once(_CREDITS + b"Authorization: Bearer \xb2\xff" + _END),
        r"40[01] after \d+ KiB",
    ),
    Probe("head", "1,000 fields", _once(_HEAD + b"X: y\r\n" * 1000 + b"\r\n"), _TOO_LARGE, is_short=True),
    # The answer to the missing key comes first; then the gateway drops bytes for a moment, and closes.
    Probe(
        "head",
        "trailers without end",
        _flood(_CHUNKED + b"1\r\na\r\n0\r\n", b"X: y\r\n", 16),
        _UNKNOWN_OR_TOO_LARGE,
    ),
    Probe("head", "chunk extensions without end", _flood(_CHUNKED + b"1;", b"a=b;", 16), _UNKNOWN_OR_TOO_LARGE),
    Probe("head", "chunk extensions without end, with a key", _flood(_WITH_KEY + b"1;", b"a=b;", 16), _TOO_LARGE),
    Probe("head", "chunks of one byte", _flood(_CHUNKED, b"1\r\na\r\n", 1), r"40[01] after \d+ KiB"),
    Probe("head", "chunks of one byte, with a key", _flood(_WITH_KEY, b"1\r\n \r\n", 1), _BAD_SMALL),
    Probe("head", "10,000 requests at once", _once((_HEAD + b"\r\n") * 10_000), _BAD),
    Probe("head", "a Content-Length of 10^30", _once(_CREATE + b"Content-Length: 1" + b"0" * 30 + _END), _BAD),
    Probe("head", "a Content-Length below zero", _once(_CREATE + b"Content-Length: -1" + _END), _BAD),
    Probe("head", "two Content-Lengths", _once(_CREATE + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), _BAD),
    Probe(
        "head",
        "a Content-Length and chunks",
        _once(_CREATE + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        r"(400|401|closed) after \d+ KiB",
    ),
    Probe(
        "head",
        "a request inside a request",
        _once(_CREATE + b"Transfer-Encoding: xchunked\r\n\r\n" + _HEAD + _END),
        r"(400|401|closed) after \d+ KiB",
    ),
    Probe(
        "head",
        "an upgrade to h2c",
        _once(_HEAD + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
        r"(401|405) after \d+ KiB",
    ),
    Probe("head", "the beginning of HTTP/2", _once(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(1000)), _BAD),
    Probe("head", "HTTP/0.9", _once(b"GET /\r\n\r\n"), _BAD),
    Probe("head", "no Host", _once(b"GET /v1/generations HTTP/1.1\r\n\r\n"), r"(400|401|405) after \d+ KiB"),
    Probe(
        "head",
        "Expect: 100-continue without a body",
        _once(_CREATE + b"Expect: 100-continue\r\nContent-Length: 1" + _END),
        r"(401|closed) after \d+ KiB",
    ),
    Probe("connection", "300 silent", _held(300, b""), "300 of 300 open"),
    Probe("connection", "2,500 silent", _held(2500, b""), r"(1\d{3}|2000) of 2500 open"),
    Probe("connection", "300 silent, for 17 s", _held(300, b"", _HEAD_SECONDS, left=0), "0 of 300 open"),
    Probe(
        "connection",
        "150 reads at once, with a key",
        _burst(150, _READ_WITH_KEY),
        r"200 x 150; /healthz after [0-4], a reader after [1-6]?\d",
    ),
    Probe("connection", "300 with half a head", _held(300, _HEAD), "300 of 300 open"),
    Probe("connection", "300 with half a head, for 17 s", _held(300, _HEAD, _HEAD_SECONDS, left=0), "0 of 300 open"),
    Probe(
        "connection",
        "300 with half a body, no key",
        _held(300, _HALF_JSON.replace(b"KEY", b"none"), left=0),
        "0 of 300 open",
        is_short=True,
    ),
    Probe("connection", "40 with half a body of 8 MB and a key", _held(40, _HALF_JSON), r"\d+ of 40 open"),
    Probe(
        "connection",
        "40 with half a body of 8 MB and a key, for 33 s",
        _held(40, _HALF_JSON, _BODY_SECONDS, left=0),
        "0 of 40 open",
    ),
    Probe(
        "connection", "40 with 7 of 8 MB and a key", _held(40, _HALF_JSON + b"x" * 7_000_000, left=4), "4 of 40 open"
    ),
    Probe(
        "connection",
        "100 half uploads of one customer",
        _held(100, HALF_UPLOAD, left=4),
        "4 of 100 open",
        is_short=True,
    ),
    Probe("connection", "100 dripped heads", dripped(100, _HEAD, b"X"), "100 of 100 open"),
    Probe(
        "connection", "100 dripped heads, for 17 s", dripped(100, _HEAD, b"X", _HEAD_SECONDS, left=0), "0 of 100 open"
    ),
    Probe("connection", "100 dripped bodies", dripped(100, _HALF_JSON, b"x", left=4), "4 of 100 open"),
    Probe(
        "connection",
        "100 dripped bodies, for 33 s",
        dripped(100, _HALF_JSON, b"x", _BODY_SECONDS, left=0),
        "0 of 100 open",
    ),
    Probe("connection", "16 dripped uploads", dripped(16, HALF_UPLOAD, b"x", left=4), "4 of 16 open"),
    Probe(
        "connection",
        "16 dripped uploads, for 33 s",
        dripped(16, HALF_UPLOAD, b"x", _BODY_SECONDS, left=0),
        "0 of 16 open",
    ),
    Probe("connection", "100 answers that nobody reads", _held(100, _OPENAPI + _END), r"\d+ of 100 open"),
    Probe("connection", "100 with ten requests at once", _held(100, (_OPENAPI + _END) * 10, left=0), "0 of 100 open"),
    Probe("connection", "300 that hang up", _hung_up(300, _HEAD + _END), "300 hung up"),
    Probe("connection", "300 that hang up within a body", _hung_up(300, _HALF_JSON), "300 hung up"),
]
"""Every attack on connections."""
