"""The fields of every door, read from the gateway's OpenAPI document and from the model of the Redis door."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from api_gateway import create_app
from intake.redis.arguments import EnqueueArguments
from schemas.identity_api import CUSTOMER_HEADER
from tests.support import clean_settings

DOCUMENT: dict[str, Any] = create_app(clean_settings()).openapi()
REQUEST: Mapping[str, object] = {"model": "nano-banana", "prompt": "a lighthouse in fog"}

# A valid value of each parameter of a path.
PATH_VALUES: Mapping[str, str] = {
    "generation_id": "3e41a28d-5bf9-40ce-a038-dc975dda27ad",
    "video_id": "3e41a28d-5bf9-40ce-a038-dc975dda27ad",
    "image_id": "3e41a28d-5bf9-40ce-a038-dc975dda27ad",
    "batch_id": "3e41a28d-5bf9-40ce-a038-dc975dda27ad",
    "share_id": "3e41a28d-5bf9-40ce-a038-dc975dda27ad",
    "event_id": "4711",
    "endpoint_id": "3e41a28d-5bf9-40ce-a038-dc975dda27ad",
    "delivery_id": "3e41a28d-5bf9-40ce-a038-dc975dda27ad",
    "upload_id": "3e41a28d-5bf9-40ce-a038-dc975dda27ad",
    "key_id": "3e41a28d-5bf9-40ce-a038-dc975dda27ad",
    "service_id": "3e41a28d-5bf9-40ce-a038-dc975dda27ad",
    "customer_id": "3e41a28d-5bf9-40ce-a038-dc975dda27ad",
    "provider": "kie",
    "name": "nano-banana",
    "account": "kie",
    "scope": "model",
    "thing": "nano-banana",
    "lever": "retry",
    "key": "uploads/1",
}


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation of the gateway."""

    method: str
    path: str
    place: str
    """`path`, `query` or `header`."""
    name: str

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.place} {self.name}"


@dataclass(frozen=True)
class BodyField:
    """A field of a JSON document, or an entry inside a field."""

    path: tuple[str | int, ...] = field(default=())
    """The way to the field. `[]` is an entry of a list, `{}` the value and `{key}` the key of an entry."""

    def __str__(self) -> str:
        return ".".join(map(str, self.path))

    def placed(self, value: object, document: Mapping[str, object]) -> dict[str, object] | None:
        """The document with the value in this field. None if the value cannot be a key."""
        made = value
        for part in reversed(self.path[1:]):
            if part == "{key}":
                if not isinstance(made, str):
                    return None
                made = {made: "text"}
            else:
                made = [made] if part == "[]" else {"key" if part == "{}" else part: made}
        inner = document.get(str(self.path[0]))
        if isinstance(inner, dict) and isinstance(made, dict) and len(self.path) > 1:
            made = {**inner, **made}
        return {**document, str(self.path[0]): made}


# Headers that the description of an operation leaves out.
_HEADERS = [{"in": "header", "name": name} for name in ("Authorization", "X-API-Key", "X-Request-ID", "Content-Type")]


# One function reads this header for all operations, so these stand for all.
_NAMING_A_CUSTOMER = frozenset({"/v1/generations", "/v1/credits"})


def parameters() -> list[Parameter]:
    """Every parameter of every operation."""
    return [
        Parameter(method.upper(), path, parameter["in"], parameter["name"])
        for path, described in DOCUMENT["paths"].items()
        for method, operation in described.items()
        for parameter in (*operation.get("parameters", ()), *_HEADERS)
        if parameter["name"] != CUSTOMER_HEADER or path in _NAMING_A_CUSTOMER
    ]


def order_fields() -> list[BodyField]:
    """Every field of the body of an order."""
    body = DOCUMENT["paths"]["/v1/generations"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return list(_fields(body, DOCUMENT["components"]["schemas"], ()))


def message_fields(model: type[BaseModel] = EnqueueArguments) -> list[BodyField]:
    """Every field of the arguments of an operation of the Redis door."""
    schema = model.model_json_schema()
    return list(_fields(schema, schema.get("$defs", {}), ()))


def bodies() -> list[tuple[str, str]]:
    """Every operation that takes a body: its method and its path."""
    return [
        (method.upper(), path)
        for path, described in DOCUMENT["paths"].items()
        for method in described
        if method in {"post", "put", "patch"}
    ]


def _fields(schema: Mapping[str, Any], named: Mapping[str, Any], way: tuple[str, ...]) -> Iterator[BodyField]:
    if way:
        yield BodyField(way)
    for one in (schema, *schema.get("anyOf", ()), *schema.get("allOf", ())):
        found = named[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        for name, inner in found.get("properties", {}).items():
            yield from _fields(inner, named, (*way, name))
        if "items" in found:
            yield from _fields(found["items"], named, (*way, "[]"))
        if isinstance(found.get("additionalProperties"), dict):
            yield BodyField((*way, "{key}"))
            yield from _fields(found["additionalProperties"], named, (*way, "{}"))
