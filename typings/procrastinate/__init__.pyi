from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Generic, ParamSpec, overload

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

_Args = ParamSpec("_Args")

class PsycopgConnector:
    def __init__(self, *, conninfo: str) -> None: ...

class RetryStrategy:
    def __init__(
        self,
        *,
        max_attempts: int | None = ...,
        wait: int = ...,
        exponential_wait: int = ...,
        retry_exceptions: Iterable[type[Exception]] | None = ...,
    ) -> None: ...

class JobDeferrer:
    async def defer_async(self, **task_kwargs: object) -> int: ...

class Task(Generic[_Args]):
    async def defer_async(self, *args: _Args.args, **kwargs: _Args.kwargs) -> int: ...
    def configure(
        self, *, schedule_in: Mapping[str, float] | None = ..., connection: AsyncConnection | None = ...
    ) -> JobDeferrer: ...

class App:
    def __init__(self, *, connector: PsycopgConnector) -> None: ...
    @overload
    def task(self, function: Callable[_Args, Awaitable[None]]) -> Task[_Args]: ...
    @overload
    def task(
        self, *, retry: bool | int | RetryStrategy = ...
    ) -> Callable[[Callable[_Args, Awaitable[None]]], Task[_Args]]: ...
    def open_async(self, pool: AsyncConnectionPool | None = ...) -> AbstractAsyncContextManager[App]: ...
    async def run_worker_async(self, *, concurrency: int = ..., fetch_job_polling_interval: float = ...) -> None: ...
