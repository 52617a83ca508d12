"""The connection to PostgreSQL: a pool a process, one short transaction a step; for threads, and for an event loop."""

import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlmodel import Session

# A step's transaction takes milliseconds. A lock or a statement that takes longer than this is trouble somewhere else,
# and failing lets the lease and `wake_at` bring the step back.
_SERVER_OPTIONS = (
    "-c timezone=utc -c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
)

# A server that hangs or whose host is gone answers no timeout of its own.
_CLIENT_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


_ENGINE_OPTIONS: dict[str, Any] = {
    "max_overflow": 0,
    # The connection that was used last knows the statements that come next.
    "pool_use_lifo": True,
    "pool_timeout": 10,
    # An error's text ends up in logs, and parameters hold prompts.
    "hide_parameters": True,
    "connect_args": {**_CLIENT_OPTIONS, "options": _SERVER_OPTIONS},
}

T = TypeVar("T")

Executor = Session | Connection
"""What runs a statement that needs no session: a connection costs half as much."""


class Database:
    """A pool of connections; safe to share between threads."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self._engine = create_engine(url, pool_size=pool_size, **_ENGINE_OPTIONS)
        self._single = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self._engine, "checkout", _refuse_closed)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or rolled back if it raises."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def statement(self) -> Iterator[Connection]:
        """A connection for one statement, which is a transaction by itself: one round trip instead of three.

        What the block does with a second statement is a second transaction.
        """
        with self._single.connect() as connection:
            yield connection

    def ping(self) -> None:
        """Raise if the database does not answer."""
        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def dispose(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()


class AsyncDatabase:
    """The same for an event loop: what a request reads and writes takes no thread."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self._engine = create_async_engine(url, pool_size=pool_size, **_ENGINE_OPTIONS)
        self._single = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)

    async def transaction(self, act: Callable[[Session], T]) -> T:
        """What `act` answers; its work is committed, or rolled back if it raises."""
        session = AsyncSession(self._engine, sync_session_class=Session, expire_on_commit=False)
        async with session, session.begin():
            return await session.run_sync(act)  # type: ignore[arg-type]  # it is a session of SQLModel's

    async def statement(self, act: Callable[[Connection], T]) -> T:
        """What `act` answers, whose one statement is a transaction by itself."""
        async with self._single.connect() as connection:
            return await connection.run_sync(act)

    async def dispose(self) -> None:
        """Close every pooled connection."""
        await self._engine.dispose()


def _refuse_closed(_connection: object, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    """Replace a pooled connection that the server has closed, as after its restart.

    An idle server says nothing: something to read is its goodbye. Looking for that costs no round trip, as asking
    before every use would.
    """
    # Of psycopg: SQLAlchemy wraps an asynchronous one.
    connection: psycopg.BaseConnection[tuple[object, ...]] | None = entry.driver_connection
    if connection is None:
        return
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError("the server has closed this connection")
