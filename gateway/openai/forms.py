"""Reads the names of form fields with brackets: `metadata[a]`, `input_reference[image_url]`, `input_references[]`."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from gateway.problems import ContentTooLarge
from schemas.errors import InvalidRequest
from schemas.json_values import MOST_VALUES, TOO_MANY_VALUES, count_values
from schemas.text import shown

_NAME = re.compile(r"(?P<head>[^\[\]]+)(?P<keys>(\[[^\[\]]*\]){0,4})")
_KEY = re.compile(r"\[([^\[\]]*)\]")

_ENTRIES = re.compile(r"[0-9]{1,4}")

_MOST_LEVELS: Final = 8
"""The most levels of JSON in a field. Code that walks through a value needs a frame of the stack for each level."""


def nested(items: Iterable[tuple[str, object]], *, lists: frozenset[str], objects: frozenset[str]) -> dict[str, Any]:
    """The values of a form as one object, as a JSON body has them.

    Args:
        items: the fields of the form, in their order: texts and files.
        lists: the fields that are lists. `name[]` begins the next entry; `name[0]` names one.
        objects: the fields that may be objects. A text of these fields and of `lists` may be JSON, where the name of
            the field has no brackets: `metadata[note]` is always a text.

    Raises:
        InvalidRequest: a name is malformed, or is given twice. A text is no JSON, or is nested too deeply.
        ContentTooLarge: the texts of JSON have too many values together.
    """
    found: dict[str, Any] = {}
    values = 0
    for name, value in items:
        head, keys = _parts(name)
        given = value
        if not keys and head in lists | objects and _is_json(value):
            values += count_values(str(value).encode())
            if values > MOST_VALUES:
                raise ContentTooLarge(f"{shown(name)} is too large: {TOO_MANY_VALUES}")
            given = _of_json(name, str(value))
        elif not keys and head in lists:
            # A repeated field of a list is a list.
            keys = [""]
        if not _put(found, [head, *keys], given):
            raise InvalidRequest.of_fields([(shown(name), "is given twice")])
    return {name: _listed(value) if name in lists else value for name, value in found.items()}


def _parts(name: str) -> tuple[str, list[str]]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise InvalidRequest.of_fields([(shown(name), "is no name of a field, such as name[key]")])
    return match["head"], _KEY.findall(match["keys"])


def _is_json(value: object) -> bool:
    return isinstance(value, str) and value.lstrip()[:1] in {"{", "["}


def _of_json(name: str, text: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError:
        raise InvalidRequest.of_fields([(shown(name), "is not valid JSON")]) from None
    except RecursionError:
        raise _too_deep(name) from None
    if not _has_levels(value, _MOST_LEVELS):
        raise _too_deep(name)
    return value


def _too_deep(name: str) -> InvalidRequest:
    return InvalidRequest.of_fields([(shown(name), f"is JSON of more than {_MOST_LEVELS} levels")])


def _has_levels(value: object, most: int) -> bool:
    """Whether a value of JSON has up to so many levels."""
    match value:
        case dict():
            return most > 0 and all(_has_levels(inner, most - 1) for inner in value.values())
        case list():
            return most > 0 and all(_has_levels(inner, most - 1) for inner in value)
        case _:
            return True


def _put(holder: dict[str, Any], path: list[str], value: object) -> bool:
    """Put a value at a path. False: the place is taken."""
    key, *rest = path
    if key == "":
        key = _entry(holder, rest)
    if not rest:
        is_free = key not in holder
        holder.setdefault(key, value)
        return is_free
    inner = holder.setdefault(key, {})
    return isinstance(inner, dict) and _put(inner, rest, value)


def _entry(holder: Mapping[str, Any], rest: list[str]) -> str:
    """The entry for `[]`: the last one, unless the entry has a value at this place already."""
    last: Any = holder.get(str(len(holder) - 1))
    has_room = bool(rest) and isinstance(last, dict) and rest[0] not in last
    return str(len(holder) - 1 if has_room else len(holder))


def _listed(value: object) -> object:
    """The entries of a list, in the order of their numbers."""
    if isinstance(value, dict) and all(_ENTRIES.fullmatch(key) for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return value
