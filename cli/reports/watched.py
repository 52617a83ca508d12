"""Draws lists of generations that operators watch."""

from rich.table import Table
from rich.text import Text

from cli.reports.durations import brief
from cli.reports.tables import plain_table
from schemas.enums import Stage
from storage.watching.rows import Found, Watched

COLUMNS = ("id", "stage", "age", "quiet", "provider", "why", "model", "customer")
"""The columns of a list. `quiet` is the time since the last progress, or since the end."""

_ID_DIGITS = 8

_STYLES = {Stage.COMPLETED: "green", Stage.FAILED: "red", Stage.CANCELLED: "yellow"}


def rows_table(found: Found, *, title: str = COLUMNS[0]) -> Table:
    """A list of generations."""
    table = plain_table(title, *COLUMNS[1:])
    for row in found.rows:
        table.add_row(*cells(found, row))
    return table


def cells(found: Found, row: Watched) -> list[Text]:
    """The cells of a generation, one for each of `COLUMNS`."""
    style = _STYLES.get(row.stage, "")
    return [
        Text(str(row.id)[:_ID_DIGITS]),
        Text(row.stage, style),
        Text(brief(row.age_seconds), justify="right"),
        Text(brief(row.quiet_seconds), justify="right"),
        Text(row.provider),
        Text(found.reason(row), style if found.reason(row) == row.error_code else ""),
        Text(row.model),
        Text(str(row.customer_id)[:_ID_DIGITS]),
    ]
