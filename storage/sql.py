"""SQL that psycopg runs itself: for what every step of every generation does.

A statement is text with `%(names)s`, and its rows are dataclasses. SQLAlchemy keeps the pool and the errors. What else
it does for a statement serves those that it makes itself, and costs more than the statement (docs/performance.md).
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
"""SQL: that no worker holds the row. It has no lease, or one that ran out."""


class Query(Generic[T_co]):
    """A statement, and what it returns."""

    def __init__(self, text: str, row: type[T_co] | Callable[..., T_co]) -> None:
        self.text = text
        self.row = row
        self.make: Callable[[tuple[Any, ...]], T_co] | None = None
        """Makes a row. Known from the first answer on: the columns stay, and asking costs more than to fetch a row."""


class Sql:
    """A connection, as far as statements of text need it.

    Parameters are what psycopg adapts: JSON is wrapped in its `Jsonb`.

    Raises:
        sqlalchemy.exc.DBAPIError: the database refused a statement, or does not answer.
    """

    def __init__(self, connection: DBAPIConnection) -> None:
        self._connection = connection

    def run(self, statement: str, /, **given: object) -> None:
        """Run a statement that answers nothing."""
        self._execute(statement, given)

    def all(self, query: Query[T], /, **given: object) -> list[T]:
        """Every row."""
        cursor = self._execute(query.text, given)
        if query.make is None:
            query.make = _maker(query.row, [column[0] for column in cursor.description])
        return [query.make(row) for row in cursor.fetchall()]

    def first(self, query: Query[T], /, **given: object) -> T | None:
        """The first row; None if there is none."""
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
    """Makes a query of a statement's text.

    Args:
        row: a dataclass of the statement's columns in their order, a model of its columns, a function of them, or the
            type of its only column. `{columns}` in the text stands for the columns of a model. `*` would also return a
            column that the next release adds, and a prepared statement then fails.
    """
    columns = _columns(row)
    return lambda text: Query(text.replace("{columns}", columns), row)


def _columns(row: Any) -> str:
    is_model = isinstance(row, type) and issubclass(row, BaseModel)
    return ", ".join(f'"{name}"' for name in row.model_fields) if is_model else ""


def of(session: Session) -> Sql:
    """The same transaction as a session's."""
    session.flush()
    connection: Any = session.connection().connection.dbapi_connection
    return Sql(connection)


@contextmanager
def lend(engine: Engine, *, commits_each: bool) -> Iterator[Sql]:
    """A connection of the pool, for one transaction or (`commits_each`) for statements that are one each.

    Raises:
        sqlalchemy.exc.DBAPIError: the database does not answer.
        sqlalchemy.exc.TimeoutError: the pool has no connection left.
    """
    try:
        pooled = engine.raw_connection()
        # Of psycopg; in an event loop, SQLAlchemy wraps one that looks the same.
        connection: Any = pooled.dbapi_connection
        try:
            connection.autocommit = commits_each
            yield Sql(connection)
            if not commits_each:
                connection.commit()
        finally:
            _give_back(pooled)
    except psycopg.Error as error:
        raise _translated(error) from error


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


def _translated(error: psycopg.Error) -> Exception:
    """SQLAlchemy's error for psycopg's: nobody has to know two kinds. It tells no parameters, which hold prompts."""
    return DBAPIError.instance(None, None, error, psycopg.Error, hide_parameters=True)


def _maker(row: Any, columns: list[str]) -> Callable[[tuple[Any, ...]], Any]:
    """What makes a row of a statement's columns."""
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
