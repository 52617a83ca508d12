"""SQL by hand: psql itself, or one statement through our own driver."""

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
    """What a statement gave."""

    columns: Sequence[str]
    """Their names; none where the statement gives no rows."""
    rows: Sequence[Sequence[Any]]
    """The rows."""
    status: str
    """What PostgreSQL says that was done: `UPDATE 3`."""


def open_psql(url: str, *, may_write: bool) -> NoReturn:
    """Become psql; or say how to do without."""
    program = shutil.which("psql")
    if program is None:
        refuse(
            "psql is not installed: run one statement with `reelworks sql -c STATEMENT`, "
            "or give another client what `reelworks sql --url` prints"
        )
    parsed = make_url(url)
    environment = {**os.environ, "PGAPPNAME": "reelworks sql"}
    if parsed.password is not None:
        # A command line is for everybody on this machine to read.
        environment["PGPASSWORD"] = parsed.password
    if not may_write:
        environment["PGOPTIONS"] = f"{os.environ.get('PGOPTIONS', '')} {_READ_ONLY}".strip()
    # `set` takes a password of None for one that stays.
    public = URL.create(
        parsed.drivername, parsed.username, None, parsed.host, parsed.port, parsed.database, parsed.query
    )
    os.execve(program, [program, public.render_as_string()], environment)  # noqa: S606 -- psql takes this process's place


def run(url: str, statement: str, *, may_write: bool) -> Answer:
    """Run a statement in a transaction.

    Raises:
        psycopg.Error: the database refused it, or does not answer.
    """
    with psycopg.connect(url, connect_timeout=5, application_name="reelworks sql") as connection:
        connection.read_only = not may_write
        cursor = connection.execute(statement)
        columns = [column.name for column in cursor.description or ()]
        return Answer(columns, cursor.fetchall() if columns else [], cursor.statusmessage or "")


def show(answer: Answer, console: Console) -> None:
    """Print what a statement gave, as a table."""
    if not answer.columns:
        console.print(answer.status, markup=False)
        return
    table = Table(*(Column(escape(name), overflow="fold") for name in answer.columns), box=None, header_style="bold")
    for row in answer.rows:
        table.add_row(*("" if value is None else escape(str(value)) for value in row))
    console.print(table)
    console.print(f"({len(answer.rows)} row{'' if len(answer.rows) == 1 else 's'})", highlight=False)
