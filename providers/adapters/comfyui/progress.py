"""The progress of a running prompt, from one short look at the server's websocket.

A server tells progress on its websocket alone, at each step, to the client of the prompt. On connecting it tells the
queue's length; whether it tells more to a client that comes later is not recorded. So a look waits for the next step.
`progress_state` has every node that ran so far.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from socket import create_connection
from typing import Final
from urllib.parse import quote, urlsplit

from pydantic import JsonValue
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

_MOST_BYTES: Final = 256 * 1024
_CLOSE_SECONDS: Final = 0.05


def look(url: str, client_id: str, prompt_id: str, *, headers: Mapping[str, str], seconds: float) -> JsonValue:
    """The nodes of the next `progress_state` of a prompt; None if none comes in time.

    A look is optional: no failure of it counts as a failure of the read. Redirects are failures: they could lead to an
    address that nobody allowed.

    Args:
        url: the websocket's address, as `http` or `https`.
        seconds: the longest time of the look, with the connection.
    """
    ends_at = time.monotonic() + seconds
    address = f"ws{url.removeprefix('http')}?clientId={quote(client_id)}"
    server = urlsplit(url)
    port = server.port or (443 if server.scheme == "https" else 80)
    with (
        suppress(OSError, WebSocketException, TimeoutError, ValueError, RecursionError),
        # The client follows no redirect where it is given its connection.
        create_connection((server.hostname or "", port), timeout=seconds) as connection,
        connect(
            address,
            sock=connection,
            additional_headers=dict(headers),
            open_timeout=seconds,
            close_timeout=_CLOSE_SECONDS,
            ping_interval=None,
            max_size=_MOST_BYTES,
            compression=None,
            proxy=None,
        ) as socket,
    ):
        while (left := ends_at - time.monotonic()) > 0:
            message = socket.recv(timeout=left)
            # Previews come as bytes.
            nodes = _nodes(json.loads(message), prompt_id) if isinstance(message, str) else None
            if nodes is not None:
                return nodes
    return None


def _nodes(message: JsonValue, prompt_id: str) -> JsonValue:
    match message:
        case {"type": "progress_state", "data": {"prompt_id": told, "nodes": dict() as nodes}} if told == prompt_id:
            return nodes
    return None


def fraction_of(graph: Mapping[str, JsonValue], nodes: JsonValue) -> float | None:
    """The progress from 0 to 1. Each node of the graph weighs 1, and a node with steps weighs its steps.

    Args:
        graph: the graph, as the queue shows it.
        nodes: the nodes of a `progress_state`.
    """
    if not isinstance(nodes, dict) or not graph:
        return None
    weights = {name: _steps(node) for name, node in graph.items()}
    done = 0.0
    for name, node in nodes.items():
        match node:
            case {"state": "finished"} if name in weights:
                weights[name] = max(weights[name], _most(node))
                done += weights[name]
            case {"value": int() | float() as value, "max": int() | float() as most} if name in weights and most > 0:
                weights[name] = max(weights[name], _most(node))
                done += weights[name] * min(1.0, max(0.0, value / most))
    return min(1.0, done / sum(weights.values()))


def _most(node: JsonValue) -> float:
    """The steps that a node of a `progress_state` counts to; 0 where it counts none."""
    most = node.get("max") if isinstance(node, dict) else None
    return most if isinstance(most, int | float) and most > 1 else 0


def _steps(node: JsonValue) -> float:
    match node:
        case {"inputs": {"steps": int() as steps}} if steps > 0:
            return steps
    return 1
