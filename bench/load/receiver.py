"""Receives webhooks in a separate process: one path answers at once, the other never."""

import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final

from bench.load.process import LoadProcess

HANGS: Final = "/hangs"
"""The path that never answers."""

_NO_CONTENT: Final = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass
class Received:
    """The messages that came."""

    ids: list[str] = field(default_factory=list)
    """The ids of the answered messages, in the order of their arrival."""
    seconds: list[float] = field(default_factory=list)
    """The time from each event to the arrival of its message."""
    hanging: int = 0
    """The messages without an answer."""


class WebhookReceiver(LoadProcess):
    """A receiver on loopback. It listens when the `with` block begins."""

    def __init__(self, port: int) -> None:
        super().__init__("bench.load.receiver", {"port": port})
        self.url = f"http://127.0.0.1:{port}"

    def results(self) -> Received:
        """The messages so far."""
        self.tell("results")
        answer = self.hear()
        if not isinstance(answer, dict):
            raise TypeError(str(answer))
        return Received(**answer)


async def _serve(received: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
            body = await reader.readexactly(int(headers["content-length"]))
            now = time.time()
            if head[0].split()[1] == HANGS:
                received.hanging += 1
                await reader.read()
                break
            writer.write(_NO_CONTENT)
            happened_at = datetime.fromisoformat(json.loads(body)["created_at"]).timestamp()
            received.ids.append(headers["webhook-id"])
            received.seconds.append(now - happened_at)
    writer.close()


async def _run(port: int) -> None:
    received = Received()
    server = await asyncio.start_server(
        lambda reader, writer: _serve(received, reader, writer), "127.0.0.1", port, backlog=1000
    )
    async with server:
        print(json.dumps("listening"), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(asdict(received)), flush=True)


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.stdin.readline())["port"]))
