"""Reads the names of form fields with brackets: `metadata[a]`, `input_reference[image_url]`, `input_references[]`."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.errors import InvalidRequest
from schemas.text import shown

_NAME = re.compile(r"(?P<head>[^\[\]]+)(?P<keys>(\[[^\[\]]*\]){0,4})")
_KEY = re.compile(r"\[([^\[\]]*)\]")

_ENTRIES = re.compile(r"[0-9]{1,4}")


def nested(items: Iterable[tuple[str, object]], *, lists: frozenset[str], objects: frozenset[str]) -> dict[str, Any]:
    """The values of a form as one object, as a JSON body has them.

    Args:
        items: the fields of the form, in their order: texts and files.
        lists: the fields that are lists. `name[]` begins the next entry; `name[0]` names one.
        objects: the fields that may be objects. A text of these fields and of `lists` may be JSON.

    Raises:
        InvalidRequest: a name is malformed, or is given twice.
    """
    found: dict[str, Any] = {}
    for name, value in items:
        head, keys = _parts(name)
        if not keys:
            # A repeated field of a list is a list.
            keys = [""] if head in lists and not _is_json(value) else []
        given = _of_json(name, value) if head in lists | objects and _is_json(value) else value
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


def _of_json(name: str, value: object) -> object:
    try:
        return json.loads(str(value))
    except (ValueError, RecursionError):
        raise InvalidRequest.of_fields([(shown(name), "is not valid JSON")]) from None


def _put(holder: dict[str, Any], path: list[str], value: object) -> bool:
    """Put a value at a path. False: the place is taken."""
    key, *rest = path
    if key == "":
        key = _entry(holder, rest)
    if not rest:
        return holder.setdefault(key, value) is value
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
