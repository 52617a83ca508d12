"""Prints dataclasses of one class: a table for people, an array for programs."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from rich.console import Console


def show_rows(
    kind: type[Any], rows: Sequence[Any], console: Console, *, as_json: bool, for_programs: Collection[str] = ()
) -> None:
    """Print dataclasses of one class, with a column for each field.

    Args:
        for_programs: fields that appear only in the JSON, because a table has no room.
    """
    if as_json:
        show_json([asdict(row) for row in rows], console)
        return
    names = [field.name for field in fields(kind) if field.name not in for_programs]
    table = [
        [name.replace("_", " ") for name in names],
        *([_text(getattr(row, name)) for name in names] for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for number, cells in enumerate(table):
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        # No line is folded: users copy ids, and search lines with grep.
        console.print(line, style=None if number else "bold", markup=False, highlight=False, soft_wrap=True)


def show_json(document: Sequence[Any] | Mapping[str, Any], console: Console) -> None:
    """Print one JSON document and nothing else."""
    console.out(json.dumps(document, indent=2, default=_plain), highlight=False)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        case _:
            return str(value)


def _plain(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
