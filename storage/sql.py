"""Runs SQL text with psycopg, for the statements that every step of every generation needs.

A statement is text with `%(names)s`, and its rows are dataclasses. SQLAlchemy provides the pool and the errors.
SQLAlchemy's other work for a statement costs more than the statement itself (docs/performance.md).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar, get_type_hints

import psycopg
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection
from sqlmodel import Session

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

IS_FREE = "(lease_until IS NULL OR lease_until < clock_timestamp())"
"""An SQL condition: no worker has a claim. The row has no lease, or its lease ran out."""


class Query(Generic[T_co]):
    """A statement and the type of its rows."""

    def __init__(self, text: str, row: type[T_co] | Callable[..., T_co]) -> None:
        self.text = text
        self.row = row
        self.make: Callable[[tuple[Any, ...]], T_co] | None = None
        """Makes a row. Built at the first answer, because building it costs more than fetching a row."""


class Sql:
    """Runs statements of text on one connection.

    psycopg adapts the parameters. Callers wrap JSON in psycopg's `Jsonb`.

    Raises:
        sqlalchemy.exc.DBAPIError: the database refused a statement, or does not answer.
    """

    def __init__(self, connection: DBAPIConnection) -> None:
        self._connection = connection

    def run(self, statement: str, /, **given: object) -> None:
        """Run a statement without a result."""
        self._execute(statement, given)

    def all(self, query: Query[T], /, **given: object) -> list[T]:
        """Run a query and return every row."""
        cursor = self._execute(query.text, given)
        if query.make is None:
            query.make = _maker(query.row, [column[0] for column in cursor.description])
        return [query.make(row) for row in cursor.fetchall()]

    def first(self, query: Query[T], /, **given: object) -> T | None:
        """Run a query and return its first row, or None without rows."""
        rows = self.all(query, **given)
        return rows[0] if rows else None

    def _execute(self, statement: str, given: dict[str, object]) -> Any:
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement, given)
        except psycopg.Error as error:
            raise _translated(error) from error
        return cursor


def returns(row: type[T] | Callable[..., T]) -> Callable[[str], Query[T]]:
    """Returns a function that makes a query of a statement's text.

    Args:
        row: a dataclass with the statement's columns in their order, a pydantic model of the columns, a function of the
            columns, or the type of the only column. `{columns}` in the text stands for the columns of a model. A `*`
            would return a column that the next release adds, too, and a prepared statement would then fail.
    """
    columns = _columns(row)
    return lambda text: Query(text.replace("{columns}", columns), row)


def _columns(row: Any) -> str:
    is_model = isinstance(row, type) and issubclass(row, BaseModel)
    return ", ".join(f'"{name}"' for name in row.model_fields) if is_model else ""


def of(session: Session) -> Sql:
    """Run statements of text in a session's transaction."""
    session.flush()
    connection: Any = session.connection().connection.dbapi_connection
    return Sql(connection)


@contextmanager
def lend(engine: Engine, *, commits_each: bool, is_kept: bool = False) -> Iterator[Sql]:
    """Take a connection from the pool for one transaction, or with `commits_each` for one transaction per statement.

    Args:
        is_kept: the caller may leave settings and locks behind. So the connection is closed at the end.

    Raises:
        sqlalchemy.exc.DBAPIError: the database does not answer.
        sqlalchemy.exc.TimeoutError: the pool has no connection left.
    """
    try:
        pooled = engine.raw_connection()
        # psycopg's connection. In an event loop, this is SQLAlchemy's wrapper with the same methods.
        connection: Any = pooled.dbapi_connection
        try:
            connection.autocommit = commits_each
            yield Sql(connection)
            if not commits_each:
                connection.commit()
        finally:
            if is_kept:
                pooled.invalidate()
            else:
                _give_back(pooled)
    except psycopg.Error as error:
        raise _translated(error) from error


def _give_back(pooled: PoolProxiedConnection) -> None:
    """Return a connection to the pool, or discard a broken connection. The pool rolls back uncommitted work."""
    connection: Any = pooled.dbapi_connection
    try:
        if connection.closed:
            pooled.invalidate()
        elif connection.autocommit:
            connection.autocommit = False
    except psycopg.Error:
        # A statement was interrupted, and its answer was not read.
        pooled.invalidate()
    pooled.close()


def _translated(error: psycopg.Error) -> Exception:
    """Turn psycopg's error into SQLAlchemy's: callers handle one kind. Hide the parameters, which contain prompts."""
    return DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True)


def _maker(row: Any, columns: list[str]) -> Callable[[tuple[Any, ...]], Any]:
    """Return the function that makes a row of the values of these columns."""
    if not isinstance(row, type):
        return lambda values: row(*values)
    if issubclass(row, BaseModel):
        return lambda values: row.model_validate(dict(zip(columns, values, strict=True)))
    if not is_dataclass(row):
        return lambda values: values[0]
    types = get_type_hints(row)
    if list(types) != columns:
        raise TypeError(f"{row.__name__} has {list(types)}, and its statement the columns {columns}")
    enums = [(index, kind) for index, kind in enumerate(types.values()) if kind in StrEnum.__subclasses__()]

    def make(values: tuple[Any, ...]) -> object:
        converted = list(values)
        for index, kind in enums:
            converted[index] = kind(converted[index])
        return row(*converted)

    return make
