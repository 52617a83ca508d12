from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Self

from psycopg import AsyncConnection, Connection

class ConnectionPool:
    def __init__(
        self,
        conninfo: str,
        *,
        min_size: int = ...,
        max_size: int | None = ...,
        kwargs: Mapping[str, object] | None = ...,
        open: bool = ...,  # noqa: A002
    ) -> None: ...
    def connection(self) -> AbstractContextManager[Connection]: ...

class AsyncConnectionPool:
    def __init__(
        self,
        conninfo: str,
        *,
        min_size: int = ...,
        max_size: int | None = ...,
        configure: Callable[[AsyncConnection], Awaitable[None]] | None = ...,
        open: bool = ...,  # noqa: A002
    ) -> None: ...
    def connection(self) -> AbstractAsyncContextManager[AsyncConnection]: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
