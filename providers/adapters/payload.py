"""The base of the models of vendors' answers, and types for fields that vendors write in several forms.

An answer can have other fields than the documented ones, and numbers as texts or texts as numbers. Only a field that is
needed to go on is required. A field of another form counts as missing, so it does not spoil the rest of the answer.
"""

import re
from typing import Annotated, ClassVar, Final, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

T = TypeVar("T")


class Payload(BaseModel):
    """A part of an answer. Other fields are ignored, and a number is a text where a text is expected."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


class Report(Payload):
    """An answer about the state of work. An answer without any of these members is about something else."""

    members: ClassVar[frozenset[str]] = frozenset({"id", "status"})
    """The members of which a report has at least one."""

    @model_validator(mode="before")
    @classmethod
    def _is_a_report(cls, read: object) -> object:
        if isinstance(read, dict) and cls.members.isdisjoint(read):
            raise ValueError(f"needs one of {', '.join(sorted(cls.members))}")
        return read


def _or_none(value: object, parse: ValidatorFunctionWrapHandler) -> object:
    try:
        return parse(value)
    except ValidationError:
        return None


Lenient = Annotated[T | None, WrapValidator(_or_none)]
"""A field that is None if missing or of another form. Give it the default None."""

Measurement = Lenient[Annotated[float, Field(ge=0, le=1e9)]]
"""A measured number, such as a time. A number that makes no sense is None. Give the field the default None."""

_NUMBER: Final = re.compile(r"\s*(\d{1,12}(?:\.\d{1,12})?)\s*%?\s*")


def fraction(progress: JsonValue, *, whole: float = 1) -> float | None:
    """A vendor's progress as a fraction, from a number from 0 to `whole` or its text; None for anything else."""
    match progress:
        case bool():
            return None
        case int() | float():
            number = float(progress)
        case str() if found := _NUMBER.fullmatch(progress):
            number = float(found[1])
        case _:
            return None
    return number / whole if 0 <= number <= whole else None


def texts(value: JsonValue) -> list[str]:
    """The explanation in an error: a text, or the texts in a list or an object, by the usual names of such members."""
    match value:
        case str():
            return [value] if value.strip() else []
        case list():
            return [text for item in value for text in texts(item)]
        case dict():
            return next((found for name in _TEXTS if (found := texts(value.get(name)))), [])
        case _:
            return []


_TEXTS: Final = ("message", "msg", "detail", "error", "reason", "description", "title", "errors", "failure")
