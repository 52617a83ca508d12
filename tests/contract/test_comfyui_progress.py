"""A look at ComfyUI's websocket never fails a read, and goes to no other address."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from websockets.sync.server import ServerConnection, serve

from providers.adapters.comfyui.progress import look
from tests.contract.raw_server import RawServer, raw

NODES = {"8": {"state": "running", "value": 3, "max": 20}}
STATE = json.dumps({"type": "progress_state", "data": {"prompt_id": "run-1", "nodes": NODES}})


@contextmanager
def listening(talk: Callable[[ServerConnection], None]) -> Iterator[str]:
    """The address of a server whose websocket talks so."""
    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}/ws"
        server.shutdown()
        thread.join()


def seen(url: str) -> object:
    return look(url, "client", "run-1", headers={}, seconds=5)


def test_next_state_of_the_prompt_is_told() -> None:
    with listening(lambda connection: connection.send(STATE)) as url:
        assert seen(url) == NODES


@pytest.mark.parametrize("message", ["[" * 200_000, "{", "x"])
def test_message_that_is_no_json_is_no_progress(message: str) -> None:
    with listening(lambda connection: connection.send(message)) as url:
        assert seen(url) is None


def test_redirect_is_not_followed() -> None:
    with listening(lambda connection: connection.send(STATE)) as elsewhere, RawServer() as server:
        head = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.replace('http', 'ws', 1)}\r\nContent-Length: 0\r\n\r\n"
        server.will(raw(head.encode()))
        assert seen(f"{server.url}/ws") is None
