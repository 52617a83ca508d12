"""Tells in words how a newer OpenAPI document breaks clients of an older one: removed, narrowed, newly required."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

Json = Mapping[str, Any]

_METHODS = ("get", "put", "post", "delete", "patch")

# A limit, and whether a larger number is narrower.
_LIMITS = {
    "minimum": True,
    "exclusiveMinimum": True,
    "minLength": True,
    "minItems": True,
    "maximum": False,
    "exclusiveMaximum": False,
    "maxLength": False,
    "maxItems": False,
}


class Side(Enum):
    """Who sends a value."""

    REQUEST = "request"
    RESPONSE = "response"


def breaking(old: Json, new: Json) -> list[str]:
    """Every change that breaks a client. Additions are no such changes."""
    return list(dict.fromkeys(_paths(old, new)))


def _paths(old: Json, new: Json) -> Iterator[str]:
    for path, operations in old["paths"].items():
        for method in _METHODS:
            if method not in operations:
                continue
            where = f"{method.upper()} {path}"
            newer = new["paths"].get(path, {}).get(method)
            if newer is None:
                yield f"{where} is gone"
            else:
                yield from _Operation(old, new, where).changes(operations[method], newer)


class _Operation:
    """Compares one operation of two documents."""

    def __init__(self, old: Json, new: Json, where: str) -> None:
        self._old = old
        self._new = new
        self._where = where
        self._under_way: set[tuple[int, int]] = set()

    def changes(self, old: Json, new: Json) -> Iterator[str]:
        yield from self._parameters(old, new)
        yield from self._body(old.get("requestBody"), new.get("requestBody"))
        yield from self._responses(old["responses"], new["responses"])

    def _parameters(self, old: Json, new: Json) -> Iterator[str]:
        before, after = _by_name(old), _by_name(new)
        for place, parameter in before.items():
            if place not in after:
                yield f"{self._where} no longer takes {place}"
            else:
                yield from self._schemas(parameter["schema"], after[place]["schema"], place, Side.REQUEST)
        for place, parameter in after.items():
            was_required = place in before and before[place].get("required", False)
            if parameter.get("required", False) and not was_required:
                yield f"{self._where} now requires {place}"

    def _body(self, old: Json | None, new: Json | None) -> Iterator[str]:
        if old is None:
            if new is not None and new.get("required", False):
                yield f"{self._where} now requires a body"
            return
        if new is None:
            yield f"{self._where} no longer takes a body"
            return
        if new.get("required", False) and not old.get("required", False):
            yield f"{self._where} now requires a body"
        yield from self._contents(old["content"], new["content"], "the body", Side.REQUEST)

    def _responses(self, old: Json, new: Json) -> Iterator[str]:
        for status, answer in old.items():
            if not status.startswith("2"):
                continue
            if status not in new:
                yield f"{self._where} never answers {status} any more"
                continue
            before, after = answer.get("content", {}), new[status].get("content", {})
            yield from self._contents(before, after, f"the answer {status}", Side.RESPONSE)

    def _contents(self, old: Json, new: Json, place: str, side: Side) -> Iterator[str]:
        for media_type, content in old.items():
            if media_type not in new:
                yield f"{self._where}: {place} is no longer {media_type}"
            else:
                yield from self._schemas(content.get("schema", {}), new[media_type].get("schema", {}), place, side)

    def _schemas(self, old: Json, new: Json, place: str, side: Side) -> Iterator[str]:
        variants = _variants(self._old, old), _variants(self._new, new)
        if max(map(len, variants)) > 1:
            yield from self._choices(*variants, place, side)
        else:
            yield from self._plain(variants[0][0], variants[1][0], place, side)

    def _choices(self, old: list[Json], new: list[Json], place: str, side: Side) -> Iterator[str]:
        """Each variant that a sender may send must be one that the receiver knows."""
        sent, known = (old, new) if side is Side.REQUEST else (new, old)
        for variant in sent:
            tries = [list(self._pair(variant, other, place, side)) for other in known]
            if all(tries):
                yield min(tries, key=len)[0]

    def _pair(self, sent: Json, known: Json, place: str, side: Side) -> Iterator[str]:
        old, new = (sent, known) if side is Side.REQUEST else (known, sent)
        yield from self._plain(old, new, place, side)

    def _plain(self, old: Json, new: Json, place: str, side: Side) -> Iterator[str]:
        pair = (id(old), id(new))
        # A schema may contain itself.
        if pair in self._under_way:
            return
        self._under_way.add(pair)
        yield from self._differences(old, new, place, side)
        self._under_way.remove(pair)

    def _differences(self, old: Json, new: Json, place: str, side: Side) -> Iterator[str]:
        if "type" in old and "type" in new and old["type"] != new["type"]:
            if not (side is Side.REQUEST and (old["type"], new["type"]) == ("integer", "number")):
                yield f"{self._where}: {place} was {old['type']} and is {new['type']}"
            return
        if side is Side.REQUEST:
            yield from self._narrower(old, new, place)
        yield from self._properties(old, new, place, side)
        if "items" in old and "items" in new:
            yield from self._schemas(old["items"], new["items"], f"an entry of {place}", side)

    def _narrower(self, old: Json, new: Json, place: str) -> Iterator[str]:
        before, after = _values(old), _values(new)
        if after is not None and before is None:
            yield f"{self._where}: {place} now takes only {', '.join(sorted(map(str, after)))}"
        elif after is not None and before is not None:
            for value in sorted(map(str, before - after)):
                yield f"{self._where}: {place} does not take {value} any more"
        for limit, is_narrower_above in _LIMITS.items():
            if limit not in new:
                continue
            was, now = old.get(limit), new[limit]
            if was is None or (now > was if is_narrower_above else now < was):
                yield f"{self._where}: {place} now has the {limit} {now}, not {'none' if was is None else was}"
        if "pattern" in new and new["pattern"] != old.get("pattern"):
            yield f"{self._where}: {place} must now match {new['pattern']}"
        if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
            yield f"{self._where}: {place} refuses unknown fields now"

    def _properties(self, old: Json, new: Json, place: str, side: Side) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            field = f"`{name}` of {place}"
            if name not in after:
                yield f"{self._where}: {field} is gone"
            else:
                yield from self._schemas(schema, after[name], field, side)
        was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
        if side is Side.REQUEST:
            for name in sorted(is_required - was_required):
                yield f"{self._where}: `{name}` of {place} is now required"
        else:
            for name in sorted((was_required - is_required) & set(after)):
                yield f"{self._where}: `{name}` of {place} may now be absent"


def _by_name(operation: Json) -> dict[str, Json]:
    return {f"the {each['in']} parameter `{each['name']}`": each for each in operation.get("parameters", ())}


def _variants(document: Json, schema: Json) -> list[Json]:
    """The plain schemas that a schema stands for."""
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return [variant for each in schema[choice] for variant in _variants(document, each)]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": kind} for kind in schema["type"]]
    return [schema]


def _values(schema: Json) -> set[Any] | None:
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None
