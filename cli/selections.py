"""Reads selections of generations from the options of a command."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, get_origin
from uuid import UUID

import typer
from pydantic import ValidationError

from cli.console import refuse
from cli.options import a_duration
from schemas.levers import Selection

FIELDS = tuple(name for name in Selection.model_fields if name not in {"id", "all"})
"""What `--where` takes. Ids are arguments, and `--all` is an option."""

_MOMENTS = frozenset({"accepted_after", "accepted_before"})


def selection(ids: Sequence[UUID] | None, conditions: Sequence[str] | None, *, is_all: bool) -> Selection:
    """The selection of a command. Ends the command if the selection is wrong."""
    given: dict[str, Any] = {"id": list(ids)} if ids else {}
    if is_all:
        given["all"] = True
    for condition in conditions or ():
        _add(given, condition)
    try:
        return Selection.model_validate(given)
    except ValidationError as error:
        refuse("\n".join(_in_words(one["loc"], one["msg"]) for one in error.errors(include_url=False)))


def _add(given: dict[str, Any], condition: str) -> None:
    name, equals, value = condition.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or name not in FIELDS:
        refuse(f"--where {condition}: must be FIELD=VALUE. Fields: {', '.join(FIELDS)}")
    if not value.strip():
        refuse(f"--where {condition}: the value is missing")
    if get_origin(Selection.model_fields[name].annotation) is list:
        given.setdefault(name, []).extend(each.strip() for each in value.split(","))
    elif name in given:
        refuse(f"--where {condition}: {name} was given already, and has one value")
    else:
        given[name] = _moment(value) if name in _MOMENTS else _plain(value)


def _moment(value: str) -> str:
    """A time as it is, or the time so long ago: `2h`."""
    try:
        return (datetime.now(UTC) - a_duration(value)).isoformat()
    except typer.BadParameter:
        return value


def _plain(value: str) -> object:
    return json.loads(value) if value in {"true", "false"} else value


def _in_words(path: tuple[int | str, ...], message: str) -> str:
    return f"--where {'.'.join(map(str, path))}: {message}" if path else message.removeprefix("Value error, ")
