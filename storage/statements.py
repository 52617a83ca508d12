"""Statements of text, run by psycopg itself: for what every step of every generation does.

SQLAlchemy keeps the pool and the errors. What else it does for a statement serves those that it makes itself, and costs
more than the statement (measured in docs/performance.md).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Engine, IteratorResult, Result, TextClause
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection
from sqlmodel import Session


class Statements:
    """A pooled connection, as far as statements of text need it.

    Parameters are what psycopg adapts: JSON is wrapped in its `Jsonb`.
    """

    def __init__(self, connection: DBAPIConnection) -> None:
        self._connection = connection

    def execute(self, statement: TextClause, parameters: Mapping[str, object]) -> Result[Any]:
        """Run a statement; its rows, as a session would give them.

        Raises:
            psycopg.Error: the block that lent the connection turns it into SQLAlchemy's.
        """
        known = _known(statement)
        cursor = self._connection.cursor()
        cursor.execute(known.sql, parameters)
        if known.columns is None:
            # A statement's columns are always the same, and to ask for them costs more than to fetch a row.
            names = [column[0] for column in cursor.description or ()]
            known.has_rows = bool(names)
            # Last: it is what another thread looks at.
            known.columns = SimpleResultMetaData(names)
        return IteratorResult(known.columns, iter(cursor.fetchall() if known.has_rows else ()))


Executor = Session | Statements
"""What runs a statement of text."""


@contextmanager
def lend(engine: Engine, *, commits_each: bool) -> Iterator[Statements]:
    """A connection of the pool, for one transaction or (`commits_each`) for statements that are one each.

    Raises:
        sqlalchemy.exc.DBAPIError: the database refused a statement, or does not answer.
        sqlalchemy.exc.TimeoutError: the pool has no connection left.
    """
    try:
        pooled = engine.raw_connection()
        # Of psycopg; in an event loop, SQLAlchemy wraps one that looks the same.
        connection: Any = pooled.dbapi_connection
        try:
            connection.autocommit = commits_each
            yield Statements(connection)
            if not commits_each:
                connection.commit()
        finally:
            _give_back(pooled)
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True) from error


def _give_back(pooled: PoolProxiedConnection) -> None:
    """Leave a connection as the pool expects it, or not at all; what was not committed is rolled back."""
    connection: Any = pooled.dbapi_connection
    try:
        if connection.closed:
            pooled.invalidate()
        elif connection.autocommit:
            connection.autocommit = False
    except psycopg.Error:
        # A statement was interrupted, and nobody has read its answer.
        pooled.invalidate()
    pooled.close()


_DIALECT = postgresql.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]


@dataclass
class _Known:
    sql: str
    columns: SimpleResultMetaData | None = None
    has_rows: bool = False


@lru_cache(maxsize=1000)
def _known(statement: TextClause) -> _Known:
    return _Known(str(statement.compile(dialect=_DIALECT)))
