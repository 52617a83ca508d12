"""Strict versions of a client's request types: with the wire's field names, and without unknown fields."""

from collections.abc import Iterable
from types import UnionType
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model
from typing_extensions import get_type_hints, is_typeddict

_CLOSED = ConfigDict(extra="forbid", strict=True, populate_by_name=False)
_PLAIN = (str, int, float, bool, object)
_UNIONS = (Union, UnionType)
_WRAPPERS = (Annotated, Required, NotRequired)


def wire_type(of: object) -> TypeAdapter[object]:
    """Validates a JSON request against a `TypedDict`, or a union of them.

    A client's types have Python names beside the wire's names, and a `TypedDict` ignores unknown keys: neither would
    notice a misspelt field. Fields that are not JSON (files) are left out.
    """
    translated = _translated(of)
    assert translated is not None, f"{of} is not JSON"
    return TypeAdapter(translated)


def _translated(of: Any) -> Any:
    """The same type for pydantic. None for a type that is not JSON."""
    if is_typeddict(of):
        return _model(of)
    if of in _PLAIN:
        return of
    origin, arguments = get_origin(of), get_args(of)
    if origin in _WRAPPERS:
        return _translated(arguments[0])
    if origin is Literal:
        return of
    if origin in _UNIONS:
        choices = [choice for choice in map(_translated, arguments) if choice is not None]
        return Union[tuple(choices)] if choices else None  # noqa: UP007 -- made of a list
    if isinstance(origin, type) and issubclass(list, origin) and issubclass(origin, Iterable):
        return list[_translated(arguments[0])]  # type: ignore[misc]  # made at run time
    return None


def _model(form: Any) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for name, hint in get_type_hints(form, include_extras=True).items():
        qualifier: object = get_origin(hint)
        default = ... if qualifier is Required else None
        if (kind := _translated(hint)) is not None:
            fields[name] = (kind, Field(default=default, alias=_key(name, hint)))
    return create_model(form.__name__, __config__=_CLOSED, **fields)


def _key(name: str, hint: Any) -> str:
    """The wire's name of a field: from its annotation, or the Python name."""
    if get_origin(hint) in (Required, NotRequired):
        hint = get_args(hint)[0]
    aliases = (getattr(part, "alias", None) for part in getattr(hint, "__metadata__", ()))
    return next((alias for alias in aliases if isinstance(alias, str)), name)
