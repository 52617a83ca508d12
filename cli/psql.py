"""Runs SQL: in psql, or one statement through psycopg."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import psycopg
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from sqlalchemy import URL, make_url

from cli.console import refuse

_READ_ONLY = "-c default_transaction_read_only=on"


@dataclass(frozen=True)
class Answer:
    """The result of a statement."""

    columns: Sequence[str]
    """The names of the columns. Empty if the statement returns no rows."""
    rows: Sequence[Sequence[Any]]
    """The rows."""
    status: str
    """PostgreSQL's command status, such as `UPDATE 3`."""


def open_psql(url: str, *, may_write: bool) -> NoReturn:
    """Replace this process by psql. Without psql, refuse and name the alternatives."""
    program = shutil.which("psql")
    if program is None:
        refuse(
            "psql is not installed: run one statement with `reelworks sql -c STATEMENT`, "
            "or give another client what `reelworks sql --url` prints"
        )
    parsed = make_url(url)
    environment = {**os.environ, "PGAPPNAME": "reelworks sql"}
    if parsed.password is not None:
        # Any user of this machine can read a command line.
        environment["PGPASSWORD"] = parsed.password
    if not may_write:
        environment["PGOPTIONS"] = f"{os.environ.get('PGOPTIONS', '')} {_READ_ONLY}".strip()
    # `URL.set` keeps the old password if the new password is None.
    public = URL.create(
        parsed.drivername, parsed.username, None, parsed.host, parsed.port, parsed.database, parsed.query
    )
    os.execve(program, [program, public.render_as_string()], environment)  # noqa: S606 -- psql replaces this process


def run(url: str, statement: str, *, may_write: bool) -> Answer:
    """Run a statement in a transaction.

    Raises:
        psycopg.Error: the database refused the statement, or does not answer.
    """
    with psycopg.connect(url, connect_timeout=5, application_name="reelworks sql") as connection:
        connection.read_only = not may_write
        cursor = connection.execute(statement)
        columns = [column.name for column in cursor.description or ()]
        return Answer(columns, cursor.fetchall() if columns else [], cursor.statusmessage or "")


def show(answer: Answer, console: Console) -> None:
    """Print the result of a statement as a table."""
    if not answer.columns:
        console.print(answer.status, markup=False)
        return
    table = Table(*(Column(escape(name), overflow="fold") for name in answer.columns), box=None, header_style="bold")
    for row in answer.rows:
        table.add_row(*("" if value is None else escape(str(value)) for value in row))
    console.print(table)
    console.print(f"({len(answer.rows)} row{'' if len(answer.rows) == 1 else 's'})", highlight=False)
