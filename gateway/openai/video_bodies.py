"""Describes the operations that order videos in the OpenAPI document. FastAPI does not read their bodies."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from gateway.openai.errors import MayBeRecorded, openai_errors
from gateway.openai.video_answers import POLLED
from gateway.ordering import LOCATION, ORDER_KINDS
from gateway.warnings import WARNING
from schemas.errors import RequestError

_FILE: Final = {"type": "string", "format": "binary"}

_DEFINITION = "#/$defs/"

_HEADERS: Final[dict[str, object]] = {
    **POLLED,
    "Idempotency-Replayed": LOCATION["Idempotency-Replayed"],
    WARNING: {
        "description": "the settings that the video does not have as asked for",
        "schema": {"type": "string"},
    },
}


def documented(model: type[BaseModel], *kinds: type[RequestError], files: Sequence[str] = ()) -> dict[str, Any]:
    """The body and the answers of an operation, as arguments of its route.

    Args:
        model: the fields of the body.
        kinds: the refusals beside those of every order.
        files: the fields that may be files of a form.
    """
    schema = model.model_json_schema()
    schema = _inlined(schema, schema.pop("$defs", {}))
    properties = schema["properties"]
    form = {**schema, "properties": {**properties, **{name: _or_file(properties[name]) for name in files}}}
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": form}}
    made = {"description": "The video, ordered now or by an earlier request that this one repeats"}
    return {
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
        "responses": {200: {**made, "headers": _HEADERS}, **openai_errors(*ORDER_KINDS, MayBeRecorded, *kinds)},
    }


def _or_file(described: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": described.get("description", ""), "anyOf": [_FILE, {"type": "string"}]}


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema without references: the document has no place for definitions of a body that FastAPI does not read."""
    match schema:
        case {"$ref": str(reference)}:
            return _inlined(definitions[reference.removeprefix(_DEFINITION)], definitions)
        case dict():
            return {name: _inlined(value, definitions) for name, value in schema.items()}
        case list():
            return [_inlined(value, definitions) for value in schema]
        case _:
            return schema
