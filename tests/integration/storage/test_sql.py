"""Statements of text on a pooled connection: commits, errors and the return of the connection."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, OperationalError

from schemas.customer_tables import Customer
from schemas.settings import Settings
from storage.database import AsyncDatabase, Database
from storage.sql import Sql, returns
from tests.support import eventually

_PROCESS = returns(int)("SELECT pg_backend_pid()")
_END = "SELECT pg_terminate_backend(%(id)s)"
_ADD = "INSERT INTO customers (id, name) VALUES (%(id)s, 'ada')"
_NAME = returns(str)("SELECT name FROM customers WHERE id = %(id)s")
_CUSTOMER = returns(Customer)("SELECT {columns} FROM customers WHERE id = %(id)s")
_DIVIDE = "SELECT 1 / 0"
_SLEEP = "SELECT pg_sleep(60)"
_ASLEEP = returns(int)("""
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND query = %(query)s AND state = 'active'
""")

Open = Callable[[Database], AbstractContextManager[Sql]]
BOTH = pytest.mark.parametrize("borrow", [Database.statement, Database.statements])


@pytest.fixture
def single(settings: Settings) -> Iterator[Database]:
    """A pool of one connection. A connection that is not returned blocks the next statement."""
    database = Database(settings.database_url, pool_size=1)
    yield database
    database.dispose()


def _answers(database: Database) -> bool:
    with database.statement() as statement:
        return bool(statement.first(_PROCESS))


def test_transaction_is_committed_as_a_whole(single: Database) -> None:
    kept, lost = {"id": uuid4()}, {"id": uuid4()}
    with single.statements() as statements:
        statements.run(_ADD, **kept)
    with pytest.raises(DataError), single.statements() as statements:  # noqa: PT012 -- the block's end is what is tested
        statements.run(_ADD, **lost)
        statements.run(_DIVIDE)
    with single.statement() as statement:
        assert statement.first(_NAME, **kept) == "ada"
        assert statement.first(_NAME, **lost) is None


def test_statement_of_a_running_release_survives_a_column_that_the_next_release_adds(
    single: Database, database: Database
) -> None:
    given = {"id": uuid4()}
    with single.statement() as statement:
        statement.run(_ADD, **given)
        # psycopg prepares a statement at its sixth run.
        for _ in range(8):
            assert statement.first(_CUSTOMER, **given) is not None
        with database.transaction() as migration:
            migration.execute(text("ALTER TABLE customers ADD COLUMN of_the_next_release text"))
        try:
            found = statement.first(_CUSTOMER, **given)
        finally:
            with database.transaction() as migration:
                migration.execute(text("ALTER TABLE customers DROP COLUMN of_the_next_release"))
    assert found is not None
    assert found.name == "ada"


def test_single_statement_is_committed_at_once(single: Database) -> None:
    given = {"id": uuid4()}
    with pytest.raises(DataError), single.statement() as statement:  # noqa: PT012 -- the block's end is what is tested
        statement.run(_ADD, **given)
        statement.run(_DIVIDE)
    with single.statement() as statement:
        assert statement.first(_NAME, **given) == "ada"


@BOTH
def test_connection_works_after_a_refused_statement(single: Database, borrow: Open) -> None:
    with pytest.raises(DataError), borrow(single) as statements:
        statements.run(_DIVIDE)
    assert _answers(single)


@BOTH
def test_broken_connection_is_replaced(single: Database, database: Database, borrow: Open) -> None:
    with pytest.raises(OperationalError), borrow(single) as statements:  # noqa: PT012 -- it breaks in the middle
        mine = statements.first(_PROCESS)
        with database.statement() as other:
            other.run(_END, id=mine)
        statements.first(_PROCESS)
    assert _answers(single)


@BOTH
def test_session_finds_the_connection_unchanged(single: Database, borrow: Open) -> None:
    with borrow(single) as statements:
        statements.first(_PROCESS)
    given = {"id": uuid4()}
    with pytest.raises(DataError), single.transaction() as session:  # noqa: PT012 -- the block's end is what is tested
        session.execute(text("INSERT INTO customers (id, name) VALUES (:id, 'ada')"), given)
        session.execute(text(_DIVIDE))
    with single.statement() as statement:
        assert statement.first(_NAME, **given) is None


@asynccontextmanager
async def _single(settings: Settings) -> AsyncIterator[AsyncDatabase]:
    database = AsyncDatabase(settings.database_url, pool_size=1)
    yield database
    await database.dispose()


@pytest.mark.parametrize("name", ["statement", "statements"])
def test_cancelled_request_returns_its_connection(settings: Settings, database: Database, name: str) -> None:
    def is_asleep() -> bool:
        with database.statement() as statement:
            return bool(statement.first(_ASLEEP, query=_SLEEP))

    async def run() -> None:
        async with _single(settings) as single:
            sleeping = asyncio.create_task(getattr(single, name)(lambda lent: lent.run(_SLEEP)))
            await asyncio.to_thread(eventually, is_asleep, bool)
            sleeping.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sleeping
            assert await single.statement(lambda lent: lent.first(_PROCESS))

    asyncio.run(run())
