"""TCP links between the parts of a system. A link can refuse, hang, slow down, or lose an acknowledgement."""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, Self, TypeVar

from drills.chaos.network.commits import Commits
from stack.ports import free_port

HOST: Final = "127.0.0.1"

_CHUNK_BYTES = 64 * 1024
# With a linger time of 0, close sends a reset.
_NO_LINGER = struct.pack("ii", 1, 0)

T = TypeVar("T")


class Proxy:
    """All links of a system. One thread serves them, from `__enter__` to `__exit__`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: list[Link] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for link in self._links:
            link.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def link(self, name: str, port: int, *, is_postgres: bool = False) -> "Link":
        """A new link to a server on this machine. It forwards everything until a fault begins.

        Args:
            is_postgres: the server is PostgreSQL, whose commits can be lost.
        """
        link = Link(name, port, self._loop, is_postgres=is_postgres)
        self._links.append(link)
        return link


class Link:
    """A listening port, and the server that receives its connections.

    Every method may be called from any thread. Each fault is a context manager and ends with the block.
    """

    def __init__(self, name: str, server_port: int, loop: asyncio.AbstractEventLoop, *, is_postgres: bool) -> None:
        self.name = name
        self.resets = 0
        """The number of connections that a fault broke."""
        self.commits_lost = 0
        """The number of commits whose acknowledgement was lost."""
        self.most_open = 0
        """The most connections at one time."""
        self._server_port = server_port
        self._is_postgres = is_postgres
        self._loop = loop
        # This socket never listens: it reserves the port while connections are refused.
        self._holder = _bound(free_port())
        self.port: int = self._holder.getsockname()[1]
        self._latency_seconds = 0.0
        self._commits_to_lose = 0
        self._pipes: set[_Pipe] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._server = self._wait_for(self._listen)

    @contextmanager
    def refused(self) -> Iterator[None]:
        """Refuse new connections, and reset the open ones at the beginning."""
        self._wait_for(self._refuse)
        try:
            yield
        finally:
            self._server = self._wait_for(self._listen)

    @contextmanager
    def hung(self, *, forgets: bool) -> Iterator[None]:
        """Forward nothing, and keep the connections open.

        Args:
            forgets: at the end the bytes are lost and the connections are reset, as after a router's restart;
                otherwise everything arrives late.
        """
        self._wait_for(self._hang)
        try:
            yield
        finally:
            self._wait_for(lambda: self._resume(forgets=forgets))

    @contextmanager
    def slowed(self, seconds: float) -> Iterator[None]:
        """Delay everything by this many seconds, each way."""
        self._latency_seconds = seconds
        try:
            yield
        finally:
            self._latency_seconds = 0.0

    @contextmanager
    def losing_commits(self, count: int) -> Iterator[None]:
        """Forward the next `count` commits to PostgreSQL, and drop the connection before the acknowledgement.

        A commit is a COMMIT, or a writing statement outside a transaction block.
        """
        self._commits_to_lose = count
        try:
            yield
        finally:
            self._commits_to_lose = 0

    def close(self) -> None:
        """Stop listening and break every connection."""
        self._wait_for(self._close)

    def _wait_for(self, action: Callable[[], Awaitable[T]]) -> T:
        async def act() -> T:
            return await action()

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result()

    async def _listen(self) -> asyncio.Server:
        listener = _bound(self.port)
        return await asyncio.start_server(self._accept, sock=listener)

    async def _refuse(self) -> None:
        self._server.close()
        self._reset_all()

    async def _hang(self) -> None:
        self._flows.clear()

    async def _resume(self, *, forgets: bool) -> None:
        if forgets:
            self._reset_all()
        self._flows.set()

    async def _close(self) -> None:
        self._server.close()
        self._reset_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._holder.close()

    def _reset_all(self) -> None:
        for pipe in self._pipes:
            self._reset(pipe)

    def _reset(self, pipe: "_Pipe") -> None:
        self.resets += 1
        pipe.reset()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            await self._flows.wait()
            server_reader, server = await asyncio.open_connection(HOST, self._server_port)
        except OSError:
            _reset(client)
            return
        except asyncio.CancelledError:
            _reset(client)
            raise
        pipe = _Pipe(client, server)
        self._pipes.add(pipe)
        self.most_open = max(self.most_open, len(self._pipes))
        try:
            async with asyncio.TaskGroup() as both_ways:
                both_ways.create_task(self._requests(pipe, client_reader))
                both_ways.create_task(self._answers(pipe, server_reader))
        except* OSError:
            pipe.reset()
        finally:
            self._pipes.discard(pipe)
            pipe.close()

    async def _requests(self, pipe: "_Pipe", source: asyncio.StreamReader) -> None:
        while chunk := await source.read(_CHUNK_BYTES):
            await self._delay()
            if self._is_postgres and pipe.commits.in_chunk(chunk) and self._commits_to_lose:
                self._commits_to_lose -= 1
                pipe.loses_its_answer = True
            pipe.server.write(chunk)
            await pipe.server.drain()
        await self._end(pipe.server)

    async def _answers(self, pipe: "_Pipe", source: asyncio.StreamReader) -> None:
        while chunk := await source.read(_CHUNK_BYTES):
            if pipe.loses_its_answer:
                self.commits_lost += 1
                self._reset(pipe)
                return
            await self._delay()
            pipe.client.write(chunk)
            await pipe.client.drain()
        await self._end(pipe.client)

    async def _delay(self) -> None:
        await asyncio.sleep(self._latency_seconds)
        await self._flows.wait()

    async def _end(self, sink: asyncio.StreamWriter) -> None:
        """Forward the end of one direction. The other direction may continue."""
        await self._flows.wait()
        sink.write_eof()


class _Pipe:
    """A connection's two sides: the client's and the server's."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.loses_its_answer = False
        self.commits = Commits()

    def reset(self) -> None:
        """Reset both sides."""
        _reset(self.client)
        _reset(self.server)

    def close(self) -> None:
        """Close both sides."""
        self.client.close()
        self.server.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with suppress(OSError):  # already closed
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()


def _bound(port: int) -> socket.socket:
    """A socket on a port that another socket of this process may use, too."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((HOST, port))
    return bound
