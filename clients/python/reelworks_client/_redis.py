"""Calls of Redis in two forms, as `_io` has them for HTTP, and the entries of a stream."""

import asyncio
import time
from typing import Any, Final, Protocol

import redis
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from reelworks_client._io import Pauses

BLOCK_SECONDS: Final = 2
"""Seconds that Redis waits for an answer or an entry. Less than the timeout of a connection."""

LOST: Final = (RedisConnectionError, RedisTimeoutError)
"""The errors of a lost connection."""

_READ: Final = 10


class RedisIO(Pauses, Protocol):
    """Calls of Redis."""

    async def ask(self, command: str, *arguments: Any, **options: Any) -> Any:
        """The answer to a command, which is a method of the Redis client."""


class AwaitingRedisIO:
    """Calls for programs with an event loop."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._client = client

    async def ask(self, command: str, *arguments: Any, **options: Any) -> Any:
        """The answer to a command."""
        return await getattr(self._client, command)(*arguments, **options)

    async def pause(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class BlockingRedisIO:
    """Calls for programs without an event loop. No coroutine of this class suspends."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client

    async def ask(self, command: str, *arguments: Any, **options: Any) -> Any:
        """The answer to a command."""
        return getattr(self._client, command)(*arguments, **options)

    async def pause(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)  # noqa: ASYNC251 - this class blocks


class Entries:
    """The entries of a stream, for one consumer of a group."""

    def __init__(self, io: RedisIO, stream: str, group: str, consumer: str, idle_after: float) -> None:
        self._io = io
        self._stream = stream
        self._group = group
        self._consumer = consumer
        self._idle_milliseconds = int(idle_after * 1000)
        # First the entries that this consumer got before it ended, then new ones.
        self._place = "0"

    async def next(self) -> list[tuple[str, dict[str, str]]]:
        """The next entries. Possibly none."""
        try:
            return await self._read()
        except ResponseError as error:
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            await self._make_group()
            return []

    async def handled(self, entry_id: str) -> None:
        """Never give an entry again."""
        try:
            await self._io.ask("xack", self._stream, self._group, entry_id)
        except LOST:
            self._place = "0"

    async def _read(self) -> list[tuple[str, dict[str, str]]]:
        block = {"block": BLOCK_SECONDS * 1000} if self._place == ">" else {}
        streams = {self._stream: self._place}
        found = await self._io.ask("xreadgroup", self._group, self._consumer, streams, count=_READ, **block)
        entries: list[tuple[str, dict[str, str]]] = found[0][1] if found else []
        if entries:
            return entries
        self._place = ">"
        _, taken, *_ = await self._io.ask(
            "xautoclaim", self._stream, self._group, self._consumer, self._idle_milliseconds, count=_READ
        )
        return list(taken)

    async def _make_group(self) -> None:
        try:
            await self._io.ask("xgroup_create", self._stream, self._group, id="0", mkstream=True)
        except ResponseError as error:
            # Another consumer was faster.
            if not str(error).startswith("BUSYGROUP"):
                raise
