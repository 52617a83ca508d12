"""`reelworks listen` in front of a gateway that cuts its connections and refuses keys."""

import io
import json
from collections.abc import Iterator

import pytest
from rich.console import Console

from cli.forwarding import Forwarding, ListenRefused
from schemas.webhooks import USUAL_TYPES
from tests.contract.raw_server import Answer, RawServer, http, raw
from tests.webhook_receiver import Receiver, receiving

GENERATION_ID = "3e41a28d-5bf9-40ce-a038-dc975dda27ad"
REFUSED = http(401, b'{"detail": "the key is revoked"}')


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.forwarding._PAUSES_SECONDS", (0.0,))


def stream(*events: tuple[int, str]) -> Answer:
    """A stream of events, which then ends."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\nretry: 1000\n\n: here\n\n"
    return raw(
        head
        + b"".join(
            f'id: {number}\ndata: {{"id": "{number}", "type": "{kind}"}}\n\n'.encode() for number, kind in events
        )
    )


def document(number: int, kind: str) -> Answer:
    """An event as webhooks tell it."""
    told = {"id": str(number), "type": kind, "data": {"generation_id": GENERATION_ID}}
    return http(200, json.dumps(told).encode())


def listen(server: RawServer, url: str, *, types: tuple[str, ...] = USUAL_TYPES, after: int | None = None) -> str:
    """Listen until the gateway refuses the key. Returns the output."""
    out = io.StringIO()
    forwarding = Forwarding(server.url, "rw_key", url, types=types, console=Console(file=out, width=200))
    with pytest.raises(ListenRefused, match="the key is revoked"):
        forwarding.run(after=after)
    return out.getvalue()


def test_listen_goes_on_after_its_last_event_when_the_stream_was_cut(server: RawServer, receiver: Receiver) -> None:
    server.will(stream((6, "stage"), (7, "end")), document(7, "generation.completed"), raw(b""), REFUSED)
    said = listen(server, receiver.url)

    (message,) = receiver.messages
    assert json.loads(message.body)["id"] == "7"
    assert [request.target for request in server.requests] == ["/v1/events", "/v1/events/7", "/v1/events", "/v1/events"]
    assert [request.headers.get("last-event-id") for request in server.requests] == [None, None, "7", "7"]
    assert f"generation.completed  {GENERATION_ID}  event 7  → 204" in said


def test_listen_sends_the_types_of_its_filter(server: RawServer, receiver: Receiver) -> None:
    server.will(
        stream((5, "progress"), (6, "stage"), (7, "stage"), (8, "end")), document(6, "generation.started"),
        document(7, "generation.moved"), document(8, "generation.completed"), REFUSED,
    )  # fmt: skip
    listen(server, receiver.url, types=("generation.started",), after=4)
    assert [json.loads(each.body)["id"] for each in receiver.messages] == ["6"]
    assert server.requests[0].headers["last-event-id"] == "4"


def test_listen_goes_on_when_the_developers_server_does_not_answer(server: RawServer) -> None:
    server.will(
        stream((7, "end"), (8, "end")), document(7, "generation.failed"), document(8, "generation.failed"), REFUSED
    )
    with RawServer() as broken:
        broken.will(raw(b""), http(500))
        said = listen(server, broken.url)
    assert "event 7  → RemoteProtocolError" in said
    assert "event 8  → 500" in said
