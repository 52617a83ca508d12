"""The connections to PostgreSQL: one pool in each process, for threads (`Database`) or an event loop (`AsyncDatabase`).

Each step uses short transactions.
"""

import select
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, TypeVar

import psycopg
from sqlalchemy import URL, create_engine, event, make_url, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn
from sqlmodel import Session

from storage.sql import Sql, lend

# A step's transaction takes milliseconds. A lock or a statement that takes longer than these limits shows a fault
# elsewhere. The step fails then, and the lease and `wake_at` start the step again.
_SERVER_OPTIONS = (
    "-c timezone=utc -c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
)

# A person waits for the answer, and the system must not.
_WATCHERS_OPTIONS = f"{_SERVER_OPTIONS} -c statement_timeout=5s -c default_transaction_read_only=on"

# A server that hangs, or whose host is gone, cannot enforce its own timeouts.
_CLIENT_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


_ENGINE_OPTIONS: dict[str, Any] = {
    "max_overflow": 0,
    # The connection that was used last has already prepared the common statements.
    "pool_use_lifo": True,
    "pool_timeout": 10,
    # An error's text ends up in logs, and parameters hold prompts.
    "hide_parameters": True,
    "connect_args": {**_CLIENT_OPTIONS, "options": _SERVER_OPTIONS},
}

T = TypeVar("T")


def with_driver(url: str) -> URL:
    """Add the name of the driver that we ship to a `postgresql://` URL, as SQLAlchemy needs."""
    return make_url(url).set(drivername="postgresql+psycopg")


class Database:
    """A pool of connections. Threads may share the pool."""

    def __init__(self, url: str, *, pool_size: int = 20, watcher: str | None = None) -> None:
        """Prepare the pool.

        Args:
            watcher: the name of a program that watches. Its connections only read, and its statements end after 5 s.
        """
        given = {"options": _WATCHERS_OPTIONS, "application_name": watcher} if watcher else {}
        options = {**_ENGINE_OPTIONS, "connect_args": {**_ENGINE_OPTIONS["connect_args"], **given}}
        self._engine = create_engine(with_driver(url), pool_size=pool_size, **options)
        event.listen(self._engine, "checkout", _refuse_closed)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session. The end of the block commits its work; an error rolls its work back."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def statements(self) -> AbstractContextManager[Sql]:
        """Open a transaction for statements of text, at a third of the cost of a session."""
        return lend(self._engine, commits_each=False)

    def statement(self) -> AbstractContextManager[Sql]:
        """Run one statement of text as a transaction by itself, in one round trip instead of three.

        A second statement in the block is a second transaction.
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
    """A pool of connections for an event loop. Reads and writes need no thread."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self._engine = create_async_engine(with_driver(url), pool_size=pool_size, **_ENGINE_OPTIONS)
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)

    async def transaction(self, act: Callable[[Session], T]) -> T:
        """Call `act` with a session and return its result. The end commits the work; an error rolls the work back."""
        session = AsyncSession(self._engine, sync_session_class=Session, expire_on_commit=False)
        async with session, session.begin():
            return await session.run_sync(act)  # type: ignore[arg-type]  # the session is SQLModel's

    async def statements(self, act: Callable[[Sql], T]) -> T:
        """Call `act` in a transaction for statements of text, at a third of the cost of a session."""
        return await greenlet_spawn(self._lend, act, commits_each=False)

    async def statement(self, act: Callable[[Sql], T]) -> T:
        """Call `act` with a connection on which each statement of text is a transaction by itself."""
        return await greenlet_spawn(self._lend, act, commits_each=True)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator["KeptConnection"]:
        """Keep one connection for the block, and close it at the end.

        Settings and advisory locks of the connection last as long as the block, or until the connection is lost.
        """
        lent = lend(self._engine.sync_engine, commits_each=True, is_kept=True)
        sql = await greenlet_spawn(lent.__enter__)
        try:
            yield KeptConnection(sql)
        finally:
            await greenlet_spawn(lent.__exit__, None, None, None)

    def _lend(self, act: Callable[[Sql], T], *, commits_each: bool) -> T:
        with lend(self._engine.sync_engine, commits_each=commits_each) as statements:
            return act(statements)

    async def dispose(self) -> None:
        """Close every pooled connection."""
        await self._engine.dispose()


class KeptConnection:
    """A connection for several calls, one after the other."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def statement(self, act: Callable[[Sql], T]) -> T:
        """Call `act` with the connection. Each statement of text is a transaction by itself."""
        return await greenlet_spawn(act, self._sql)


def _refuse_closed(_connection: object, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    """Replace a pooled connection that the server has closed, for example in a restart.

    An idle server sends nothing, so readable data on an idle connection means that the server closed it. This check
    costs no round trip; a ping before every use would.
    """
    # psycopg's connection, or SQLAlchemy's wrapper of psycopg's asynchronous connection.
    connection: psycopg.BaseConnection[tuple[object, ...]] | None = entry.driver_connection
    if connection is None:
        return
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError("the server has closed this connection")
