"""The load generator, against a real HTTP server."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.load.senders import Load, OrderRefused, place, place_at
from bench.subjects.protocols import Door


@dataclass
class _Shop:
    """The requests that a server received."""

    status: int = 202
    bodies: list[object] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    @property
    def door(self) -> Door:
        return Door(url=f"{self.url}/orders?x=1", headers={"X-API-Key": "secret"}, body={"prompt": "a lighthouse"})


@pytest.fixture
def shop() -> Iterator[_Shop]:
    """A server that takes orders."""
    seen = _Shop()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            seen.connections += 1

        def do_POST(self) -> None:
            seen.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            seen.keys.add(self.headers["X-API-Key"])
            self.send_response(seen.status if self.path == "/orders?x=1" else 404)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def do_GET(self) -> None:
            seen.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Print nothing into the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        seen.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield seen
        server.shutdown()
        thread.join()


def test_every_order_is_placed_once_and_has_a_latency(shop: _Shop) -> None:
    latencies = place(shop.door, count=10, senders=3)
    assert len(latencies) == 10
    assert min(latencies) > 0
    assert shop.bodies == [{"prompt": "a lighthouse"}] * 10
    assert shop.keys == {"secret"}


def test_sender_keeps_its_connection(shop: _Shop) -> None:
    place(shop.door, count=9, senders=3)
    assert shop.connections == 3


def test_each_sender_uses_its_own_door(shop: _Shop) -> None:
    doors = [replace(shop.door, headers={"X-API-Key": key}) for key in ("first", "second")]
    place_at(doors, count=4)
    assert len(shop.bodies) == 4
    assert shop.keys == {"first", "second"}


def test_door_can_be_a_get(shop: _Shop) -> None:
    assert len(place(replace(shop.door, method="GET"), count=2, senders=1)) == 2
    assert (shop.asked, shop.bodies) == (["/orders?x=1"] * 2, [])


def test_refused_order_ends_the_load_with_its_answer(shop: _Shop) -> None:
    shop.status = 402
    with pytest.raises(OrderRefused, match=r"402: \{\}"):
        place(shop.door, count=2, senders=1)


def test_separate_process_waits_for_go_and_then_places_everything(shop: _Shop) -> None:
    with Load([shop.door] * 2, count=6) as load:
        assert shop.bodies == []
        load.go()
        assert len(load.latencies()) == 6
    assert len(shop.bodies) == 6


def test_separate_process_reports_its_error(shop: _Shop) -> None:
    shop.status = 503
    with Load([shop.door], count=1) as load:
        load.go()
        with pytest.raises(OrderRefused, match="503"):
            load.latencies()
