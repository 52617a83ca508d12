"""A bare session with Redis, as `redis-cli` holds one: it orders, and hears the end. No client library, no HTTP."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from tests.e2e.conftest import System
from tests.support import eventually

_SECONDS = 300


class Session:
    """Sends commands as `redis-cli` does, and reads the replies of Redis (RESP2)."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._replies: BinaryIO = connection.makefile("rb")

    def send(self, *command: str) -> None:
        """Send a command."""
        words = [word.encode() for word in command]
        parts = [b"*%d\r\n" % len(words), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)]
        self._connection.sendall(b"".join(parts))

    def reply(self) -> Any:
        """The reply to the earliest command without one."""
        kind, rest = (line := self._replies.readline().strip())[:1], line[1:]
        match kind:
            case b"+":
                return rest.decode()
            case b":":
                return int(rest)
            case b"$":
                return None if rest == b"-1" else self._replies.read(int(rest) + 2)[:-2].decode()
            case b"*":
                return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        raise AssertionError(f"Redis said {line!r}")

    def run(self, *command: str) -> Any:
        """Send a command and read its reply."""
        self.send(*command)
        return self.reply()


@contextmanager
def session(url: str) -> Iterator[Session]:
    """A session with the Redis of a URL."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 6379), timeout=_SECONDS) as connection:
        opened = Session(connection)
        if parts.password:
            assert opened.run("AUTH", *filter(None, [parts.username]), unquote(parts.password)) == "OK"
        assert opened.run("SELECT", parts.path.strip("/") or "0") == "OK"
        yield opened


def ask(redis: Session, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Send a plain message, and wait for its answer in a list."""
    name, message_id = f"reelworks:answers:{uuid4()}", str(uuid4())
    message = {"operation": operation, "id": message_id, "arguments": arguments, "reply_to": {"list": name}}
    assert redis.run("LPUSH", "requests", json.dumps(message)) >= 1
    _, document = redis.run("BRPOP", name, str(_SECONDS))
    told = json.loads(document)
    assert told["id"] == message_id
    answer: dict[str, Any] = told["answer"]
    return answer


def heard(redis: Session, generation_id: str, since: str) -> Iterator[dict[str, Any]]:
    """The events of a generation in the stream, from an entry on, until its end."""
    while True:
        ((_, entries),) = redis.run("XREAD", "BLOCK", str(1000 * _SECONDS), "STREAMS", "reelworks:events", since)
        for since, fields in entries:  # noqa: B007 -- the next read goes on here
            event = json.loads(dict(zip(fields[::2], fields[1::2], strict=True))["event"])
            if event["data"]["generation_id"] == generation_id:
                yield event
                if event["data"]["status"] in {"completed", "failed", "cancelled"}:
                    return


def test_bare_session_orders_and_hears_the_end(system: System) -> None:
    customer, word = system.customer(), system.behave()
    request = {"model": "nano-banana", "prompt": f"a boat {word}", "metadata": {"thread": "7"}}
    with session(system.stack.settings.redis_url) as redis:
        # A busy door may tell its state late.
        eventually(
            lambda: redis.run("GET", "reelworks:door"), lambda told: told and json.loads(told)["state"] == "open"
        )
        newest = redis.run("XREVRANGE", "reelworks:events", "+", "-", "COUNT", "1")
        since = newest[0][0] if newest else "0"
        answer = ask(redis, "generation.enqueue", {"customer_id": str(customer.id), "request": request})
        events = list(heard(redis, answer["id"], since))
        found = ask(redis, "generation.get", {"customer_id": str(customer.id), "generation_id": answer["id"]})

    assert (answer["status"], answer["is_new"]) == ("queued", True)
    assert (events[0]["type"], events[-1]["type"]) == ("generation.accepted", "generation.completed")
    assert events[-1]["data"]["metadata"] == {"thread": "7"}
    assert (found["status"], found["assets"][0]["role"]) == ("completed", "result")
