"""A receiver of webhooks that fails a third of the time, and verifies every signature."""

import base64
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from drills.chaos.network.proxy import HOST

_FAILING_SHARE = 1 / 3
_RETRY_AFTER_SECONDS = "1"


class Way(StrEnum):
    """The receiver's way with a message."""

    TAKE = "taken"
    ERROR = "answered 500"
    BUSY = "answered 503 with Retry-After"
    REDIRECT = "answered with a redirect"
    CUT = "cut before the answer"
    HANG = "not answered within the time limit"


_FAILURES: Final = tuple(way for way in Way if way is not Way.TAKE)


@dataclass(frozen=True)
class Receipt:
    """A message that the receiver took with a 204."""

    path: str
    """The path of the endpoint."""
    message_id: str
    """The id of the message. Each try has the same."""
    event_id: int
    """The id of the event: the sequence of the payload."""
    type: str
    """The type of the event."""
    generation_id: str
    """The generation."""


@dataclass
class Inbox:
    """The records of the receiver."""

    port: int
    """The port of the receiver."""
    seed: int
    """Decides which messages fail."""
    hang_seconds: float
    """The time that a hanging request stays open. Longer than the sender's time limit."""
    secrets: dict[str, str] = field(default_factory=dict)
    """The secret of each endpoint, by path."""
    public_key: str = ""
    """The public key of the installation."""
    ways: Counter[Way] = field(default_factory=Counter)
    """The receiver's ways."""
    taken: list[Receipt] = field(default_factory=list)
    """The messages that the receiver took. Repeated messages are there again."""
    strange: list[str] = field(default_factory=list)
    """Messages with a wrong signature, and messages to an unknown path."""
    over: threading.Event = field(default_factory=threading.Event)
    """Ends hanging requests."""
    _tries: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Way:
        """Verify a message, and decide on its answer."""
        message_id = headers.get("webhook-id", "")
        with self._lock:
            self._tries[message_id] += 1
            way = self._way(message_id)
            self.ways[way] += 1
            problem = self._problem(path, headers, body)
            if problem is not None:
                self.strange.append(f"{path} {message_id}: {problem}")
            elif way is Way.TAKE:
                told = _Message.model_validate_json(body)
                self.taken.append(Receipt(path, message_id, told.sequence, told.type, told.data.generation_id))
        return way

    def _way(self, message_id: str) -> Way:
        chance = random.Random(f"{self.seed} {message_id} {self._tries[message_id]}")
        return chance.choice(_FAILURES) if chance.random() < _FAILING_SHARE else Way.TAKE

    def _problem(self, path: str, headers: Mapping[str, str], body: bytes) -> str | None:
        if path not in self.secrets:
            return "this path is no endpoint"
        try:
            Webhook(self.secrets[path]).verify(body, dict(headers))
            verify_ed25519(self.public_key, headers, body)
        except (WebhookVerificationError, InvalidSignature, ValueError) as error:
            return f"the signature is wrong: {type(error).__name__} {error}"
        return None


def verify_ed25519(public_key: str, headers: Mapping[str, str], body: bytes) -> None:
    """Verify the signature with the public key of the installation (`whpk_…`).

    Raises:
        InvalidSignature: the signature is wrong.
        ValueError: there is no such signature.
    """
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signatures = [each.removeprefix("v1a,") for each in headers["webhook-signature"].split(" ") if "v1a," in each]
    if not signatures:
        raise ValueError("no signature v1a")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key.verify(base64.b64decode(signatures[0]), signed)


def whole_body(request: BaseHTTPRequestHandler) -> bytes | None:
    """The body of a request. None: the sender died before the end. It has told nothing, and sends the message again."""
    length = int(request.headers.get("content-length", 0))
    body = request.rfile.read(length)
    return body if len(body) == length else None


class _Data(BaseModel):
    generation_id: str


class _Message(BaseModel):
    type: str
    sequence: int
    data: _Data


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, inbox: Inbox, *arguments: object) -> None:
        self._inbox = inbox
        super().__init__(*arguments)  # type: ignore[arg-type]  # the server passes them on

    def do_POST(self) -> None:
        """Take a message, and fail as the seed decides."""
        body = whole_body(self)
        if body is None:
            self.cut()
            return
        way = self._inbox.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        _ANSWERS[way](self)

    def log_message(self, *_: object) -> None:
        """Write no log."""

    def answer(self, status: int, **headers: str) -> None:
        """Answer without a body."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def cut(self) -> None:
        """End the connection without an answer."""
        self.close_connection = True

    def hang(self) -> None:
        """Give no answer within the sender's time limit."""
        self._inbox.over.wait(self._inbox.hang_seconds)
        self.cut()


_ANSWERS: Mapping[Way, Callable[[_Handler], None]] = {
    Way.TAKE: lambda handler: handler.answer(204),
    Way.ERROR: lambda handler: handler.answer(500),
    Way.BUSY: lambda handler: handler.answer(503, Retry_After=_RETRY_AFTER_SECONDS),
    Way.REDIRECT: lambda handler: handler.answer(302, Location="/elsewhere"),
    Way.CUT: _Handler.cut,
    Way.HANG: _Handler.hang,
}


@contextmanager
def receiving(seed: int, *, hang_seconds: float) -> Iterator[Inbox]:
    """A running receiver. It ends with the block."""
    inbox = Inbox(0, seed, hang_seconds)
    server = ThreadingHTTPServer((HOST, 0), partial(_Handler, inbox))
    server.daemon_threads = True
    inbox.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, name="receiver", daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        inbox.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
