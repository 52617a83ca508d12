"""Times in requests."""

from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator


def _no_number(value: object) -> object:
    # pydantic takes a number for seconds, or for milliseconds if the number is large.
    if isinstance(value, bool | int | float):
        raise ValueError("must be a time with its zone, such as 2026-11-20T12:00:00Z")  # noqa: TRY004 -- pydantic's way
    return value


OptionalMoment = Annotated[AwareDatetime | None, BeforeValidator(_no_number)]
"""A time with its zone, as text."""
