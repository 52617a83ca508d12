"""Says in our words what is wrong with a request, and what would be right. Every door refuses with these words.

pydantic's own messages speak of its types ("Extra inputs are not permitted"). A customer knows fields and values.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from schemas.errors import InvalidRequest
from schemas.habits import HABITS
from schemas.text import shown

Location = tuple[int | str, ...]
"""The place of a value: names of fields and numbers of entries."""

# A request can have thousands of wrong fields. The answer names the first ones, and the number of the others.
_MOST_PROBLEMS = 20

_NEAREST = 2
_ALIKE = 0.7

_KEY = "[key]"
"""pydantic's last part of a location inside the key of a dictionary."""

_TEXT = 'must be text in quotation marks, such as "text"'
_WHOLE_NUMBER = "must be a whole number, such as 5"
_NUMBER = "must be a number, such as 0.5"
_SWITCH = "must be true or false"
_OBJECT = 'must be an object, such as {{"name": "value"}}'
_MOMENT = "must be a time with its zone, such as 2026-11-20T12:00:00Z; in a URL, + is written %2B"
_DAY = "must be a day, such as 2026-11-20"
_UUID = "must be a UUID, such as 3e41a28d-5bf9-40ce-a038-dc975dda27ad"
_UNKNOWN = "is not accepted: GET /docs describes the values"

WORDS: Final[Mapping[str, str]] = {
    "bool_parsing": _SWITCH,
    "bool_type": _SWITCH,
    "date_from_datetime_inexact": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_parsing": _DAY,
    "date_type": _DAY,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_type": _MOMENT,
    "dict_type": _OBJECT,
    "enum": "must be {expected}",
    "finite_number": _NUMBER,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": "is too large a number",
    "int_type": _WHOLE_NUMBER,
    "less_than_equal": "must be at most {le}",
    "list_type": 'must be a list, such as ["text"]',
    "literal_error": "must be {expected}",
    "model_attributes_type": _OBJECT,
    "model_type": _OBJECT,
    "string_too_long": "may have up to {max_length} characters",
    "string_too_short": "must not be empty",
    "string_type": _TEXT,
    "string_unicode": "has half of a surrogate pair: send whole characters",
    "timezone_aware": _MOMENT,
    "too_long": "may have up to {max_length} entries",
    "uuid_parsing": _UUID,
    "uuid_type": _UUID,
}
"""The words for each type of error. A value that the words name is a limit of ours, never the customer's value."""

OF_FIELDS: Final = frozenset({"missing", "extra_forbidden", "value_error"})
"""The types of error whose words depend on the field. A validator of ours gives the words of `value_error`."""


@dataclass(frozen=True)
class Place:
    """The place of a wrong value."""

    path: Location
    """The way from the document to the value. Empty: the document itself."""
    model: type[BaseModel] | None
    """The model of the document. None for a header or a parameter."""
    document: str
    """The name of the document."""
    habits: Mapping[str, str] = field(default_factory=lambda: HABITS)
    """The words about fields that other APIs have and the document lacks."""
    list_of_fields: str = "GET /docs lists the fields"
    """Where the sender finds the fields."""


def refusal(errors: Sequence[ErrorDetails], place_of: Callable[[Location], Place]) -> InvalidRequest:
    """The problem of a request that does not fit its model. Repeats no value of the request."""
    listed = [_problem(error, place_of(error["loc"])) for error in errors[:_MOST_PROBLEMS]]
    return InvalidRequest.of_fields(listed, more=len(errors) - len(listed))


def model_in(annotation: object) -> type[BaseModel] | None:
    """The model in the annotation of a field or of a body. None for a value of another kind."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _problem(error: ErrorDetails, place: Place) -> tuple[str, str]:
    path = place.path
    if path[-1:] == (_KEY,):
        field, words = path[:-1], f"the key {_words(error, place)}"
    else:
        field, words = path, _words(error, place)
    return shown(".".join(map(str, field))) or place.document, words


def _words(error: ErrorDetails, place: Place) -> str:
    match error["type"]:
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case "missing":
            field = _field(place)
            return f"is missing: {field.description}" if field and field.description else "is missing"
        case "extra_forbidden":
            name, model = str(place.path[-1]), _model_at(place.model, place.path[:-1])
            return (
                _of_unknown_parameter(name, model)
                if place.document == "query"
                else _of_unknown_field(name, model, place)
            )
        case kind:
            return WORDS.get(kind, _UNKNOWN).format(**_limits(error.get("ctx", {})))


def _limits(context: Mapping[str, Any]) -> dict[str, str]:
    return {name: _limit(value) for name, value in context.items()}


def _limit(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    # pydantic quotes a choice as Python does.
    return str(value).replace("'", '"')


def _of_unknown_field(name: str, model: type[BaseModel] | None, place: Place) -> str:
    """The words about a field that a model lacks: the field that says the same, or the nearest names."""
    words = f"there is no field `{shown(name)}`"
    fields = {} if model is None else model.model_fields
    for outer, described in fields.items():
        inner = model_in(described.annotation)
        if inner is not None and name in inner.model_fields:
            return f"{words} here; it belongs in `{outer}`"
    if habit := place.habits.get(name.lower()):
        return f"{words}; {habit}"
    near = _near(name, fields)
    return f"{words}; do you mean {near}?" if near else f"{words}; {place.list_of_fields}"


def _of_unknown_parameter(name: str, model: type[BaseModel] | None) -> str:
    """The words about a parameter that a query lacks."""
    parameters = {} if model is None else model.model_fields
    near = _near(name, parameters) or ", ".join(f"`{one}`" for one in parameters)
    return f"there is no parameter `{shown(name)}`; do you mean {near}?" if near else "there is no such parameter"


def _near(name: str, names: Iterable[str]) -> str:
    return " or ".join(f"`{one}`" for one in get_close_matches(shown(name).lower(), names, _NEAREST, _ALIKE))


def _field(place: Place) -> FieldInfo | None:
    model = _model_at(place.model, place.path[:-1])
    return None if model is None or not place.path else model.model_fields.get(str(place.path[-1]))


def _model_at(model: type[BaseModel] | None, path: Location) -> type[BaseModel] | None:
    for part in path:
        field = None if model is None else model.model_fields.get(str(part))
        model = None if field is None else model_in(field.annotation)
    return model
