"""Options that several commands share."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from schemas import text

AsJson = Annotated[bool, typer.Option("--json", help="tell it as one JSON document")]
"""Prints the answer as JSON for programs."""

Limit = Annotated[int, typer.Option(min=1, max=10_000, help="how many at most")]
"""The maximum length of a list."""


def by_default(command: str) -> type[TyperGroup]:
    """A group that runs one of its commands where none is named: `reelworks models banana` lists models."""

    class Group(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            if not args or args[0] not in {*self.commands, "--help"}:
                args = [command, *args]
            return super().parse_args(ctx, args)

    return Group


_MOST_DIGITS = 6


def _checked(check: Callable[[str], str]) -> Callable[[str], str]:
    """The check of a text of the API as the parser of an argument."""

    def parse(given: str) -> str:
        if not given.strip():
            raise typer.BadParameter("must not be blank")
        try:
            return check(given)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parse


_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def a_duration(given: str) -> timedelta:
    """Parses a time such as `90d`, `12h`, `30m` or `0s`."""
    number, unit = given[:-1], given[-1:]
    if not (number.isascii() and number.isdecimal() and unit in _UNITS and len(number) <= _MOST_DIGITS):
        raise typer.BadParameter("must be a number of days, hours, minutes or seconds, such as 90d, 12h, 30m or 0s")
    return timedelta(**{_UNITS[unit]: int(number)})


def a_moment(given: str) -> datetime:
    """Parses a time with its zone."""
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter("must be a time with its zone, such as 2026-11-30T02:00:00Z")
    return moment


a_name = _checked(text.name)
"""Parses a name: visible characters and plain spaces."""

a_prose = _checked(text.prose)
"""Parses a text of one or more lines."""
