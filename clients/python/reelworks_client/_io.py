"""Input and output, in two forms. All other code is written once, as coroutines.

With `AwaitingIO` the coroutines await. With `BlockingIO` each call blocks inside the coroutine, which therefore never
suspends: `run` starts the coroutine, and gets the result from the first step, without an event loop.
"""

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import httpx

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """An HTTP request, without the address and the headers that all requests of a client share."""

    method: str
    """The method."""
    path: str
    """The path at the gateway."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """The query. A list repeats a parameter."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers."""
    json: Any = None
    """The body as a JSON value."""
    content: bytes | None = None
    """The body as bytes."""
    read_timeout: float | None = None
    """Seconds without a byte after which the connection counts as lost. None: the timeout of the client."""
    is_repeatable: bool = True
    """Whether the request may be sent again after its answer was lost."""


@dataclass(frozen=True)
class Opened:
    """A response whose body is still to be read."""

    response: httpx.Response
    """The status and the headers."""
    pieces: AsyncIterator[bytes]
    """The body."""


Built = Callable[[Request], httpx.Request]
"""Adds the address and the shared headers to a request."""


class Pauses(Protocol):
    """Waits."""

    async def pause(self, seconds: float) -> None:
        """Wait."""


class IO(Pauses, Protocol):
    """Calls that take time."""

    async def send(self, request: Request) -> httpx.Response:
        """The response to a request, with its body."""

    def open(self, request: Request) -> AbstractAsyncContextManager[Opened]:
        """The response to a request, without its body."""

    async def do(self, work: Callable[[], T]) -> T:
        """Call a function that may block, such as one that writes a file."""


class AwaitingIO:
    """Calls for programs with an event loop."""

    def __init__(self, http: httpx.AsyncClient, built: Built) -> None:
        self._http = http
        self._built = built

    async def send(self, request: Request) -> httpx.Response:
        """The response to a request, with its body."""
        return await self._http.send(self._built(request), follow_redirects=True)

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[Opened]:
        """The response to a request, without its body."""
        response = await self._http.send(self._built(request), follow_redirects=True, stream=True)
        try:
            yield Opened(response, response.aiter_bytes())
        finally:
            await response.aclose()

    async def pause(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def do(self, work: Callable[[], T]) -> T:
        """Call a function in a thread."""
        return await asyncio.to_thread(work)


class BlockingIO:
    """Calls for programs without an event loop. No coroutine of this class suspends."""

    def __init__(self, http: httpx.Client, built: Built) -> None:
        self._http = http
        self._built = built

    async def send(self, request: Request) -> httpx.Response:
        """The response to a request, with its body."""
        return self._http.send(self._built(request), follow_redirects=True)

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[Opened]:
        """The response to a request, without its body."""
        response = self._http.send(self._built(request), follow_redirects=True, stream=True)
        try:
            yield Opened(response, _never_suspending(response.iter_bytes()))
        finally:
            response.close()

    async def pause(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)  # noqa: ASYNC251 - this class blocks

    async def do(self, work: Callable[[], T]) -> T:
        """Call a function."""
        return work()


async def _never_suspending(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("the coroutine awaits something that does not block")


def blocking(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Any, P], T]:
    """Make a blocking method of a coroutine. The coroutine gets `self.coroutines` as `self`."""

    def block(self: Any, /, *arguments: P.args, **options: P.kwargs) -> T:
        return run(method(self.coroutines, *arguments, **options))

    functools.update_wrapper(block, method)
    return block


def iterating(method: Callable[Concatenate[Any, P], AsyncIterator[T]]) -> Callable[Concatenate[Any, P], Iterator[T]]:
    """Make a generator of an async generator. The async generator gets `self.coroutines` as `self`."""

    def iterate(self: Any, /, *arguments: P.args, **options: P.kwargs) -> Iterator[T]:
        items: Any = method(self.coroutines, *arguments, **options)
        try:
            while True:
                try:
                    item = run(items.__anext__())
                except StopAsyncIteration:
                    return
                yield item
        finally:
            run(items.aclose())

    functools.update_wrapper(iterate, method)
    return iterate
