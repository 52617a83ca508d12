"""What the comparison of two documents tells."""

from copy import deepcopy
from typing import Any

import pytest

from tests.unit.gateway.openapi.changes import breaking

OLD: dict[str, Any] = {
    "paths": {
        "/things": {
            "get": {
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
                    {"name": "kind", "in": "query", "schema": {"enum": ["image", "video"], "type": "string"}},
                ],
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/schemas/Thing"}}}}},
            },
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string", "maxLength": 20},
                                    "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                                    "tags": {"type": "array", "items": {"type": "string"}},
                                },
                            }
                        }
                    }
                },
                "responses": {"201": {}},
            },
        }
    },
    "schemas": {
        "Thing": {
            "type": "object",
            "required": ["id", "part"],
            "properties": {
                "id": {"type": "string"},
                "part": {"anyOf": [{"$ref": "#/schemas/Thing"}, {"type": "null"}]},
                "size": {"type": "integer"},
            },
        }
    },
}

GET = ("paths", "/things", "get")
LIMIT = (*GET, "parameters", 0, "schema")
POST = ("paths", "/things", "post")
BODY = (*POST, "requestBody", "content", "application/json", "schema")
NAME = (*BODY, "properties", "name")
THING = ("schemas", "Thing")
ANSWER = "GET /things: `{}` of the answer 200"
ORDER = "POST /things: `{}` of the body"


def _changed(place: tuple[Any, ...], value: object) -> dict[str, Any]:
    """The document with one value replaced; None removes it."""
    document: Any = deepcopy(OLD)
    found = document
    for part in place[:-1]:
        found = found[part]
    if value is None:
        del found[place[-1]]
    else:
        found[place[-1]] = value
    result: dict[str, Any] = document
    return result


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (GET, None, "GET /things is gone"),
        ((*GET, "parameters", 1), None, "GET /things no longer takes the query parameter `kind`"),
        ((*GET, "parameters", 0, "required"), True, "GET /things now requires the query parameter `limit`"),
        ((*LIMIT, "maximum"), 50, "GET /things: the query parameter `limit` now has the maximum 50, not 100"),
        ((*LIMIT, "minimum"), 2, "GET /things: the query parameter `limit` now has the minimum 2, not 1"),
        (
            (*GET, "parameters", 1, "schema", "enum"),
            ["image"],
            "GET /things: the query parameter `kind` does not take video any more",
        ),
        ((*GET, "responses", "200"), None, "GET /things never answers 200 any more"),
        ((*THING, "properties", "size"), None, f"{ANSWER.format('size')} is gone"),
        ((*THING, "properties", "size", "type"), "string", f"{ANSWER.format('size')} was integer and is string"),
        ((*THING, "required"), ["id"], f"{ANSWER.format('part')} may now be absent"),
        (
            (*THING, "properties", "id"),
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            f"{ANSWER.format('id')} was string and is null",
        ),
        ((*POST, "requestBody", "required"), True, "POST /things now requires a body"),
        ((*POST, "requestBody"), None, "POST /things no longer takes a body"),
        ((*BODY, "required"), ["name", "seed"], f"{ORDER.format('seed')} is now required"),
        ((*BODY, "additionalProperties"), False, "POST /things: the body refuses unknown fields now"),
        ((*BODY, "properties", "seed"), {"type": "integer"}, f"{ORDER.format('seed')} was null and is integer"),
        ((*NAME, "maxLength"), 10, f"{ORDER.format('name')} now has the maxLength 10, not 20"),
        ((*NAME, "minLength"), 1, f"{ORDER.format('name')} now has the minLength 1, not none"),
        ((*NAME, "pattern"), "^a", f"{ORDER.format('name')} must now match ^a"),
        ((*NAME, "enum"), ["a", "b"], f"{ORDER.format('name')} now takes only a, b"),
        (
            (*BODY, "properties", "tags", "items", "type"),
            "integer",
            "POST /things: an entry of `tags` of the body was string and is integer",
        ),
    ],
)
def test_a_breaking_change_is_told_in_words(place: tuple[Any, ...], value: object, told: str) -> None:
    assert breaking(OLD, _changed(place, value)) == [told]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("paths", "/others"), {"get": {"responses": {}}}),
        ((*LIMIT, "maximum"), 200),
        ((*GET, "parameters", 1, "schema", "enum"), ["image", "sound", "video"]),
        ((*THING, "properties", "colour"), {"type": "string"}),
        ((*BODY, "properties", "colour"), {"type": "string"}),
        ((*BODY, "required"), []),
        ((*NAME, "maxLength"), None),
        ((*THING, "properties", "part"), {"$ref": "#/schemas/Thing"}),
        ((*GET, "responses", "404"), {}),
    ],
)
def test_an_addition_is_no_breaking_change(place: tuple[Any, ...], value: object) -> None:
    assert breaking(OLD, _changed(place, value)) == []


def test_the_same_document_breaks_nothing() -> None:
    assert breaking(OLD, deepcopy(OLD)) == []
