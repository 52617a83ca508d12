"""The Python client in its two forms. A test is written once, for the form that blocks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar, cast

import httpx

from reelworks_client import AsyncClient, Client
from reelworks_client.redis_door import AsyncRedisDoor, RedisDoor

T = TypeVar("T")

Connect = Callable[..., Client]
"""Makes a client of a URL with a key."""

ConnectDoor = Callable[..., RedisDoor]
"""Makes a client of the Redis door."""


class Awaited:
    """Looks like a client that blocks, and awaits each call."""

    def __init__(self, client: Any, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            answer = method(*arguments, **options)
            return self._items(answer) if isinstance(answer, AsyncIterator) else self._runner.run(_awaited(answer))

        return call

    def _items(self, items: AsyncIterator[T]) -> Iterator[T]:
        while True:
            try:
                item = self._runner.run(_awaited(anext(items)))
            except StopAsyncIteration:
                return
            yield item


async def _awaited(answer: Awaitable[T]) -> T:
    return await answer


@contextmanager
def blocking_clients() -> Iterator[Connect]:
    """Makes clients that block."""
    with httpx.Client(trust_env=False) as http:
        yield lambda url, key, **options: Client(url, key, http=http, **options)


@contextmanager
def awaiting_clients() -> Iterator[Connect]:
    """Makes clients that await, in the looks of the others."""
    with asyncio.Runner() as runner:
        http = httpx.AsyncClient(trust_env=False)

        def connect(url: str, key: str, **options: Any) -> Client:
            return cast("Client", Awaited(AsyncClient(url, key, http=http, **options), runner))

        yield connect
        runner.run(http.aclose())


@contextmanager
def blocking_doors() -> Iterator[ConnectDoor]:
    """Makes clients of the Redis door that block."""
    with ExitStack() as made:
        yield lambda url, **options: made.enter_context(RedisDoor(url, **options))


@contextmanager
def awaiting_doors() -> Iterator[ConnectDoor]:
    """Makes clients of the Redis door that await, in the looks of the others."""
    made: list[AsyncRedisDoor] = []
    with asyncio.Runner() as runner:

        def connect(url: str, **options: Any) -> RedisDoor:
            made.append(AsyncRedisDoor(url, **options))
            return cast("RedisDoor", Awaited(made[-1], runner))

        yield connect
        for door in made:
            runner.run(door.aclose())
