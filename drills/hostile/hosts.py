"""The attacker's servers: a vendor and a host of files that answer as they like, and a private host to keep out of.

The vendor speaks the wire of OpenAI's images. The prompt of an order names the answer: `reply NAME` for the create
itself, `file NAME` for the file that its answer links to.
"""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from drills.hostile.answers import FILES, REPLIES, Answer
from drills.hostile.exchange import Exchange

HOST = "127.0.0.2"
"""The attacker's address. Only this private address is open to customers' links."""

STORED_UPLOADS = 300
"""The quota of uploads, instead of thousands."""

_PART = 65_536
_BACKLOG = 256
_END_SECONDS = 10.0
_LOOK_EVERY_SECONDS = 0.05


@dataclass
class Hosts:
    """The running servers."""

    url: str
    """The attacker's address, for links and as the address of a vendor."""
    private_port: int
    """A port of 127.0.0.1 and ::1 on which a private host listens."""
    private_connections: int = 0
    """The connections to the private host."""
    sent_bytes: Counter[str] = field(default_factory=Counter)
    """The bytes that the attacker's server sent, by the name of the answer."""
    requests: Counter[str] = field(default_factory=Counter)
    """The requests to the attacker's server, by the name of the answer."""
    ended: Counter[str] = field(default_factory=Counter)
    """The finished answers, by name."""
    open: set[int] = field(default_factory=set)
    """The threads that send an answer."""
    release: threading.Event = field(default_factory=threading.Event)
    """Ends every answer without an end."""

    def account(self) -> Mapping[str, str]:
        """Variables that make the attacker's server the vendor of OpenAI's images."""
        return {"REELWORKS_PROVIDERS__OPENAI_IMAGES__BASE_URL": f"{self.url}/v1"}

    def environment(self) -> Mapping[str, str]:
        """Variables of a system under attack: the account, the address that links may name, and a small quota."""
        return {
            **self.account(),
            "REELWORKS_INPUTS__ALLOWED_PRIVATE_NETWORKS": json.dumps([f"{HOST}/32"]),
            "REELWORKS_INPUTS__MAX_STORED_UPLOADS": str(STORED_UPLOADS),
        }

    @contextmanager
    def slow(self) -> Iterator[None]:
        """Answers without an end run until the end of the block, which waits for their ends."""
        self.release.clear()
        try:
            yield
        finally:
            self.release.set()
            ends_at = time.monotonic() + _END_SECONDS
            while self.open and time.monotonic() < ends_at:
                time.sleep(_LOOK_EVERY_SECONDS)


@contextmanager
def running_hosts() -> Iterator[Hosts]:
    """Start the servers. They end with the block."""
    open_listener = socket.create_server((HOST, 0), backlog=_BACKLOG)
    private_listener = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    hosts = Hosts(f"http://{HOST}:{open_listener.getsockname()[1]}", private_listener.getsockname()[1])
    hosts.release.set()
    for listener, serve in ((open_listener, _serve), (private_listener, _count)):
        threading.Thread(target=_accept, args=(listener, serve, hosts), daemon=True).start()
    try:
        yield hosts
    finally:
        hosts.release.set()
        for listener in (open_listener, private_listener):
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def _accept(listener: socket.socket, serve: Callable[[socket.socket, Hosts], None], hosts: Hosts) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(connection, hosts), daemon=True).start()


def _count(connection: socket.socket, hosts: Hosts) -> None:
    with connection:
        hosts.private_connections += 1


def _serve(connection: socket.socket, hosts: Hosts) -> None:
    """Answer one request: `/NAME` with a file, anything else as the vendor."""
    with connection, suppress(OSError):
        head, body = _request(connection)
        path = unquote(head.split(b" ", 2)[1].decode()).removeprefix("/")
        name, answer = _chosen(path, body, hosts)
        exchange = Exchange(connection, head, hosts.url, hosts.private_port, hosts.release)
        hosts.requests[name] += 1
        hosts.open.add(threading.get_ident())
        try:
            answer(exchange)
        finally:
            hosts.open.discard(threading.get_ident())
            hosts.sent_bytes[name] += exchange.sent_bytes
            hosts.ended[name] += 1


def _request(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head and the body of a request."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    while len(body) < length:
        body += _more(connection)
    return head, body


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(_PART)
    if not data:
        raise ConnectionError("the request is cut")
    return data


def _chosen(path: str, body: bytes, hosts: Hosts) -> tuple[str, Answer]:
    if path.removeprefix("file/") in FILES:
        return path, FILES[path.removeprefix("file/")]
    kind, _, name = json.loads(body)["prompt"].partition(" ")
    if kind == "file":
        return f"create {name}", lambda exchange: exchange.answer(
            json.dumps({"data": [{"url": f"{hosts.url}/file/{quote(name)}"}]}).encode(),
            headers="Content-Type: application/json",
        )
    return f"reply/{name}", REPLIES[name]
