"""Names the fields of an error as a dialect names them. Orders and their errors have our names."""

from collections.abc import Mapping
from typing import TypeVar

from schemas.errors import RequestError

E = TypeVar("E", bound=RequestError)


def renamed(error: E, names: Mapping[str, str]) -> E:
    """The same error, with the dialect's names of its fields.

    Args:
        names: the dialect's name by ours. The name of an entry, such as `image_urls.0`, goes before the name of its
            list, `image_urls`.
    """
    errors = error.extra.get("errors")
    if not isinstance(errors, list):
        return error
    for each in errors:
        field, message = each["field"], each["message"]
        each["field"] = _named(field, names)
        for joint in (": ", " "):
            error.detail = error.detail.replace(f"{field}{joint}{message}", f"{each['field']}{joint}{message}")
    return error


def _named(field: str, names: Mapping[str, str]) -> str:
    if field in names:
        return names[field]
    head, dot, rest = field.partition(".")
    return f"{names.get(head, head)}{dot}{rest}"
