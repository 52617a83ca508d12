"""Follows generations over server-sent events, in a separate process, so that the meter can tell its time apart.

Each follower behaves as a browser's `EventSource`: it connects again with the last id until the answer is 204.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bench.load.process import LoadProcess

_CONNECTING_AT_ONCE = 64
_RETRY_SECONDS = 0.2
_NO_CONTENT = 204


@dataclass
class Followed:
    """The events and answers that one follower received."""

    generation_id: str
    """The generation."""
    ids: list[int] = field(default_factory=list)
    """The ids of the events, in the order of their arrival."""
    last_stage: str = ""
    """The stage of the newest event."""
    last_status: int = 0
    """The status of the last answer. 204: the gateway said that there is no more."""
    connections: int = 0
    """How often the follower connected."""
    seconds: list[float] = field(default_factory=list)
    """The time from each commit to its arrival, for events that happened while the stream was open."""

    @property
    def is_in_order(self) -> bool:
        """Whether each event came once, and after all earlier ones."""
        return self.ids == sorted(set(self.ids))


class Followers(LoadProcess):
    """Followers of generations. They connect when the `with` block begins.

    Args:
        url: the gateway.
        headers: authenticate the requests.
        generations: the generations, one for each follower. They may repeat.
    """

    def __init__(self, url: str, headers: Mapping[str, str], generations: Collection[str]) -> None:
        job = {"url": url, "headers": dict(headers), "generations": list(generations)}
        super().__init__("bench.load.followers", job)

    def reconnect(self) -> None:
        """Cut every second connection. Its follower connects again."""
        self.tell("reconnect")
        self.hear()

    def results(self, seconds: float) -> list[Followed]:
        """Wait until each follower got a 204, but not longer than `seconds`. Returns what all saw."""
        self.tell(seconds)
        answer = self.hear()
        if not isinstance(answer, list):
            raise TypeError(str(answer))
        return [Followed(**each) for each in answer]


class _Follower:
    """One client."""

    def __init__(self, url: str, headers: Mapping[str, str], generation_id: str, gate: asyncio.Semaphore) -> None:
        parts = urlsplit(url)
        self._address = parts.hostname, parts.port
        self._headers = {"Host": parts.netloc, "Accept": "text/event-stream", **headers}
        self._gate = gate
        self._writer: asyncio.StreamWriter | None = None
        self._last_id = ""
        self.seen = Followed(generation_id)
        self.is_connected = asyncio.Event()

    async def run(self) -> None:
        """Follow until the gateway says that there is no more."""
        while self.seen.last_status != _NO_CONTENT:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._follow()
            await asyncio.sleep(_RETRY_SECONDS * random.random())

    def cut(self) -> None:
        """Cut the connection."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def _follow(self) -> None:
        async with self._gate:
            reader, self._writer = await asyncio.open_connection(*self._address)
            opened_at = time.time()
            self._writer.write(self._request())
            head = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
        self.seen.connections += 1
        self.seen.last_status = int(head[1])
        self.is_connected.set()
        try:
            if self.seen.last_status == 200:
                async for message in _messages(reader):
                    self._note(message, opened_at)
        finally:
            self._writer.close()

    def _request(self) -> bytes:
        resumes = {"Last-Event-ID": self._last_id} if self._last_id else {}
        lines = [f"{name}: {value}" for name, value in {**self._headers, **resumes}.items()]
        path = f"/v1/generations/{self.seen.generation_id}/events"
        return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()

    def _note(self, message: Mapping[str, str], opened_at: float) -> None:
        now = time.time()
        self._last_id = message.get("id", self._last_id)
        data: dict[str, Any] = json.loads(message.get("data", "{}"))
        if not data.get("id"):
            return
        happened_at = datetime.fromisoformat(data["created_at"]).timestamp()
        self.seen.ids.append(int(data["id"]))
        self.seen.last_stage = data["stage"]
        if happened_at > opened_at:
            self.seen.seconds.append(now - happened_at)


async def _messages(reader: asyncio.StreamReader) -> AsyncIterator[dict[str, str]]:
    """The messages of an answer in chunks."""
    rest = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        rest += (await reader.readexactly(size + 2))[:-2]
        *whole, rest = rest.split(b"\n\n")
        for text in whole:
            lines = (line.partition(": ") for line in text.decode().split("\n"))
            yield {name: value for name, _, value in lines if name}


async def _run(job: Mapping[str, Any]) -> None:
    gate = asyncio.Semaphore(_CONNECTING_AT_ONCE)
    followers = [_Follower(job["url"], job["headers"], each, gate) for each in job["generations"]]
    tasks = [asyncio.create_task(follower.run()) for follower in followers]
    await asyncio.gather(*(follower.is_connected.wait() for follower in followers))
    print(json.dumps("connected"), flush=True)
    while (command := json.loads(await asyncio.to_thread(sys.stdin.readline))) == "reconnect":
        for follower in followers[::2]:
            follower.cut()
        print(json.dumps("cut"), flush=True)
    await asyncio.wait(tasks, timeout=command)
    print(json.dumps([asdict(follower.seen) for follower in followers]), flush=True)


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.stdin.readline())))
