"""The progress of a running prompt, from one short look at the server's websocket.

A server tells progress on its websocket alone, at each step, to the client of the prompt. On connecting it tells only
the queue's length (recorded), so a look waits for the next step. `progress_state` has every node that ran so far.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import quote

from pydantic import JsonValue
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

_MOST_BYTES: Final = 256 * 1024
_CLOSE_SECONDS: Final = 0.05


def look(url: str, client_id: str, prompt_id: str, *, headers: Mapping[str, str], seconds: float) -> JsonValue:
    """The nodes of the next `progress_state` of a prompt; None if none comes in time.

    A look is optional: no failure of it counts as a failure of the read.

    Args:
        url: the websocket's address, as `http` or `https`.
        seconds: the longest time of the look, with the connection.
    """
    ends_at = time.monotonic() + seconds
    address = f"ws{url.removeprefix('http')}?clientId={quote(client_id)}"
    with (
        suppress(OSError, WebSocketException, TimeoutError, ValueError),
        connect(
            address,
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
                done += weights[name]
            case {"value": int() | float() as value, "max": int() | float() as most} if name in weights and most > 0:
                weights[name] = max(weights[name], most if most > 1 else 0)
                done += weights[name] * min(1.0, max(0.0, value / most))
    return min(1.0, done / sum(weights.values()))


def _steps(node: JsonValue) -> float:
    match node:
        case {"inputs": {"steps": int() as steps}} if steps > 0:
            return steps
    return 1
