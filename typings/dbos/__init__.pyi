from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, NotRequired, ParamSpec, TypedDict, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

_P = ParamSpec("_P")
_R = TypeVar("_R")

class DBOSConfig(TypedDict, total=False):
    name: str
    system_database_url: str
    run_migrations: bool
    executor_id: str
    log_level: str

class EnqueueOptions(TypedDict):
    workflow_name: str
    queue_name: str
    workflow_id: NotRequired[str]

class DatasourceOptions(TypedDict, total=False):
    name: str
    isolation_level: Literal["SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED"]

class DBOS:
    def __init__(self, *, config: DBOSConfig) -> None: ...
    @classmethod
    def launch(cls) -> None: ...
    @classmethod
    def destroy(cls, *, workflow_completion_timeout_sec: int = ...) -> None: ...
    @classmethod
    async def register_queue_async(
        cls, name: str, *, worker_concurrency: int | None = ..., polling_interval_sec: float = ...
    ) -> object: ...
    @classmethod
    def workflow(cls, *, name: str | None = ...) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]: ...
    @classmethod
    def step(
        cls, *, retries_allowed: bool = ..., should_retry: Callable[[BaseException], bool] | None = ...
    ) -> Callable[[Callable[_P, Awaitable[_R]]], Callable[_P, Coroutine[Any, Any, _R]]]: ...
    @classmethod
    async def recv_async(cls, topic: str | None = ..., timeout_seconds: float = ...) -> object: ...
    @classmethod
    async def sleep_async(cls, seconds: float) -> None: ...

class DBOSClient:
    def __init__(self, *, system_database_engine: Engine, application_name: str) -> None: ...
    def enqueue_in_transaction(self, conn_or_session: Connection, options: EnqueueOptions, *args: object) -> object: ...
    def send(self, destination_id: str, message: object, topic: str | None = ...) -> None: ...

class AsyncSQLAlchemyDatasource:
    @staticmethod
    async def create(
        database_url: str, *, engine: AsyncEngine, run_migrations: bool = ...
    ) -> AsyncSQLAlchemyDatasource: ...
    async def run_tx_step_async(
        self,
        ds_options: DatasourceOptions,
        func: Callable[_P, Coroutine[Any, Any, _R]],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _R: ...
    def sql_session(self) -> AsyncSession: ...

class SQLAlchemyDatasource:
    @staticmethod
    def migrate(database_url: str) -> None: ...

def run_dbos_database_migrations(system_database_url: str) -> None: ...
