"""The messages of the websocket, as recorded from a server. `status` goes to all clients, the others to one."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pydantic import JsonValue

from sandbox.task import JsonObject

Message = JsonObject
_END = None


def now_ms() -> int:
    """The time of a message, Unix milliseconds."""
    return int(time.time() * 1000)


def node_state(prompt_id: str, node: str, value: float, most: float, state: str) -> JsonObject:
    """A node in a `progress_state`."""
    return {
        "value": value,
        "max": most,
        "state": state,
        "node_id": node,
        "prompt_id": prompt_id,
        "display_node_id": node,
        "parent_node_id": None,
        "real_node_id": node,
    }


class Sockets:
    """The connected clients by their id. A client that connects again replaces its earlier connection."""

    def __init__(self) -> None:
        self._queues: dict[str, asyncio.Queue[Message | None]] = {}

    @contextmanager
    def connected(self, client_id: str, hello: Message) -> Iterator[asyncio.Queue[Message | None]]:
        """A client's messages while the block runs; None is the end of the server."""
        queue: asyncio.Queue[Message | None] = asyncio.Queue()
        self._queues[client_id] = queue
        queue.put_nowait(hello)
        try:
            yield queue
        finally:
            if self._queues.get(client_id) is queue:
                del self._queues[client_id]

    def broadcast(self, kind: str, data: Mapping[str, JsonValue]) -> None:
        """Tell every client."""
        for queue in self._queues.values():
            queue.put_nowait({"type": kind, "data": dict(data)})

    def tell(self, client_id: str | None, kind: str, data: Mapping[str, JsonValue]) -> None:
        """Tell one client. A prompt without a client is told to nobody."""
        queue = self._queues.get(client_id or "")
        if queue is not None:
            queue.put_nowait({"type": kind, "data": dict(data)})

    def end(self) -> None:
        """Close every connection."""
        for queue in self._queues.values():
            queue.put_nowait(_END)
