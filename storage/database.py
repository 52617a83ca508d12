"""The connection to PostgreSQL: a pool a process, one short transaction a step; for threads, and for an event loop."""

import select
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import psycopg
from sqlalchemy import URL, create_engine, event, make_url, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn
from sqlmodel import Session

from storage.sql import Sql, lend

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


def with_driver(url: str) -> URL:
    """A `postgresql://` URL as SQLAlchemy takes it: with the name of the driver that we ship."""
    return make_url(url).set(drivername="postgresql+psycopg")


class Database:
    """A pool of connections; safe to share between threads."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self._engine = create_engine(with_driver(url), pool_size=pool_size, **_ENGINE_OPTIONS)
        event.listen(self._engine, "checkout", _refuse_closed)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or rolled back if it raises."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def statements(self) -> AbstractContextManager[Sql]:
        """The same for statements of text alone, at a third of the cost."""
        return lend(self._engine, commits_each=False)

    def statement(self) -> AbstractContextManager[Sql]:
        """For one statement of text, which is a transaction by itself: one round trip instead of three.

        What the block does with a second statement is a second transaction.
        """
        return lend(self._engine, commits_each=True)

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
        self._engine = create_async_engine(with_driver(url), pool_size=pool_size, **_ENGINE_OPTIONS)
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)

    async def transaction(self, act: Callable[[Session], T]) -> T:
        """What `act` answers; its work is committed, or rolled back if it raises."""
        session = AsyncSession(self._engine, sync_session_class=Session, expire_on_commit=False)
        async with session, session.begin():
            return await session.run_sync(act)  # type: ignore[arg-type]  # it is a session of SQLModel's

    async def statements(self, act: Callable[[Sql], T]) -> T:
        """The same for statements of text alone, at a third of the cost."""
        return await greenlet_spawn(self._lend, act, commits_each=False)

    async def statement(self, act: Callable[[Sql], T]) -> T:
        """What `act` answers, whose one statement of text is a transaction by itself."""
        return await greenlet_spawn(self._lend, act, commits_each=True)

    def _lend(self, act: Callable[[Sql], T], *, commits_each: bool) -> T:
        with lend(self._engine.sync_engine, commits_each=commits_each) as statements:
            return act(statements)

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
