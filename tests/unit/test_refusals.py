"""Every error that a door's model can raise has words of ours."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Path
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from api_gateway import _ROUTERS
from intake.redis.arguments import EnqueueArguments, parsed
from schemas.errors import InvalidRequest
from schemas.habits import HABITS
from schemas.orders import GenerationRequest
from schemas.refusals import OF_FIELDS, WORDS
from tests.hostile import hostile_values

CUSTOMER = "6d5d22ff-00a1-4cc1-b35d-3a97fd57e970"

# The errors of each kind of pydantic's schemas, and of each limit.
RAISED: Mapping[str, set[str]] = {
    "bool": {"bool_type", "bool_parsing", "string_unicode"},
    "date": {"date_from_datetime_inexact", "date_from_datetime_parsing", "date_parsing", "date_type", "string_unicode"},
    "datetime": {
        "datetime_from_date_parsing",
        "datetime_object_invalid",
        "datetime_parsing",
        "datetime_type",
        "string_unicode",
        "timezone_aware",
    },
    "default": set(),
    "definition-ref": set(),
    "definitions": set(),
    "dict": {"dict_type", "string_unicode"},
    "enum": {"enum", "string_unicode"},
    "float": {"float_type", "float_parsing", "finite_number", "string_unicode"},
    "function-after": {"value_error"},
    "function-before": {"value_error"},
    "int": {"int_type", "int_parsing", "int_parsing_size", "int_from_float", "finite_number", "string_unicode"},
    "list": {"list_type"},
    "literal": {"literal_error", "string_unicode"},
    "model": {"model_type", "model_attributes_type"},
    "model-field": set(),
    "model-fields": {"missing", "extra_forbidden", "string_unicode"},
    "nullable": set(),
    "str": {"string_type", "string_unicode"},
    "uuid": {"uuid_type", "uuid_parsing", "string_unicode"},
}
LIMITS = {"gt": "greater_than", "ge": "greater_than_equal", "lt": "less_than", "le": "less_than_equal"}
LENGTHS = {
    "str": {"max_length": "string_too_long", "min_length": "string_too_short", "pattern": "string_pattern_mismatch"},
    "list": {"max_length": "too_long", "min_length": "too_short"},
    "dict": {"max_length": "too_long", "min_length": "too_short"},
}


def parts(schema: object) -> Iterator[Mapping[str, Any]]:
    """A schema and every schema inside it."""
    if isinstance(schema, dict):
        if "type" in schema:
            yield schema
        for key, value in schema.items():
            if key == "fields":
                yield from parts(list(value.values()))
            elif key not in {"metadata", "config", "serialization", "function"}:
                yield from parts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from parts(value)


def errors_of(schema: object) -> set[str]:
    """The types of error that a schema can raise."""
    found: set[str] = set()
    for part in parts(schema):
        kind = part["type"]
        assert kind in RAISED, f"say which errors the kind of schema {kind!r} raises"
        limits = LIMITS | LENGTHS.get(kind, {})
        found |= RAISED[kind] | {error for limit, error in limits.items() if part.get(limit) is not None}
    return found


def of_parameters() -> set[str]:
    """The types of error that the parameters of the gateway can raise. A wrong parameter of a path is a 404."""
    routes = [route for router in _ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    parameters = [parameter for route in routes for parameter in get_flat_params(route.dependant)]
    kinds: list[Any] = [one.field_info.annotation for one in parameters if not isinstance(one.field_info, Path)]
    return set().union(*(errors_of(TypeAdapter(kind).core_schema) for kind in kinds))


def test_every_error_of_a_model_or_a_parameter_has_words() -> None:
    of_models, parameters = errors_of(EnqueueArguments.__pydantic_core_schema__), of_parameters()

    assert {"extra_forbidden", "string_too_long", "uuid_parsing", "less_than_equal", "enum"} <= of_models
    assert {"enum", "string_too_long"} <= parameters
    assert of_models | parameters == OF_FIELDS | set(WORDS)


@pytest.mark.parametrize("field", GenerationRequest.model_fields)
def test_the_table_of_errors_has_every_error_that_hostile_values_raise(field: str) -> None:
    known = errors_of(GenerationRequest.__pydantic_core_schema__)
    for value in hostile_values():
        raised: set[str] = set()
        try:
            GenerationRequest.model_validate({"prompt": "a boat", field: value})
        except ValidationError as refused:
            raised = {error["type"] for error in refused.errors()}
        assert raised <= known


@pytest.mark.parametrize("field", GenerationRequest.model_fields)
@pytest.mark.parametrize("text", ["a\x00", "\ud83d", "\x1b[2J", "\u202e"])
def test_no_field_takes_a_character_that_no_text_may_have(field: str, text: str) -> None:
    values: tuple[object, ...] = (text, [text], [f"http://a/{text}"], {"key": text}, {text: "value"})
    for value in values:
        with pytest.raises(ValidationError):
            GenerationRequest.model_validate({"prompt": "a boat", field: value})


def message(request: Mapping[str, object], field: str) -> str:
    """The message about a field of a refused request."""
    with pytest.raises(InvalidRequest) as refused:
        parsed(EnqueueArguments, {"customer_id": CUSTOMER, "request": {"prompt": "a boat", **request}})
    errors = refused.value.extra["errors"]
    assert isinstance(errors, list)
    (words,) = [error["message"] for error in errors if error["field"] == field]
    assert isinstance(words, str)
    return words


@pytest.mark.parametrize(
    ("request_", "field", "words"),
    [
        ({"size": "1024x1024"}, "size", "there is no field `size`; `aspect_ratio` and `resolution` say it"),
        ({"promt": "x"}, "promt", "there is no field `promt`; do you mean `prompt`?"),
        ({"aspectRatio": "1:1"}, "aspectRatio", "there is no field `aspectRatio`; do you mean `aspect_ratio`?"),
        ({"colour": "red"}, "colour", "there is no field `colour`; GET /docs lists the fields"),
        ({"kind": "sound"}, "kind", 'must be "image" or "video"'),
        ({"duration_seconds": "five"}, "duration_seconds", "must be a whole number, such as 5"),
        ({"duration_seconds": 5.5}, "duration_seconds", "must be a whole number, such as 5"),
        ({"duration_seconds": True}, "duration_seconds", "must be a number, not true or false"),
        ({"duration_seconds": 601}, "duration_seconds", "must be at most 600"),
        ({"motion": 2}, "motion", "must be at most 1"),
        ({"motion": False}, "motion", "must be a number, not true or false"),
        ({"seed": 10**30}, "seed", "must be at most 9223372036854775807"),
        ({"generate_audio": "loud"}, "generate_audio", "must be true or false"),
        ({"prompt": 5}, "prompt", 'must be text in quotation marks, such as "text"'),
        ({"prompt": ""}, "prompt", "must not be empty"),
        ({"prompt": " "}, "prompt", "must not be blank"),
        ({"prompt": "x" * 20_001}, "prompt", "may have up to 20000 characters"),
        ({"model": "x" * 201}, "model", "may have up to 200 characters"),
        ({"image_urls": "http://x"}, "image_urls", 'must be a list, such as ["text"]'),
        ({"image_urls": ["http://x"] * 15}, "image_urls", "may have up to 14 entries"),
        ({"image_urls": ["x" * 2084]}, "image_urls.0", "may have up to 2083 characters: upload the file and name"),
        ({"metadata": [1]}, "metadata", 'must be an object, such as {"name": "value"}'),
        ({"metadata": {"a": 1}}, "metadata.a", 'must be text in quotation marks, such as "text"'),
        ({"metadata": {"\u202ea": "1"}}, r"metadata.\u202ea", "the key has a mark of direction (U+202E) as character"),
        ({"metadata": {"a": "\x00"}}, "metadata.a", "has a control character (U+0000) as character 1; leave it out"),
        ({"style": "\ud83d"}, "style", "has half of a surrogate pair (U+D83D) as character 1; leave it out"),
        ({"\ud83d": 1}, "request", "has half of a surrogate pair: send whole characters"),
    ],
)
def test_refusal_says_what_is_wrong_and_what_is_right(request_: dict[str, object], field: str, words: str) -> None:
    assert message(request_, field).startswith(words)


def test_field_in_the_wrong_place_is_told_its_place() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parsed(EnqueueArguments, {"customer_id": CUSTOMER, "request": {"prompt": "x"}, "prompt": "x"})
    assert refused.value.detail == "prompt: there is no field `prompt` here; it belongs in `request`"


def test_missing_field_is_described() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parsed(EnqueueArguments, {"customer_id": CUSTOMER, "request": {"model": "nano-banana"}})
    assert refused.value.detail == "prompt: is missing: what to make"


def test_habits_name_fields_that_exist_and_cover_none_of_ours() -> None:
    ours = set(GenerationRequest.model_fields)
    assert not ours & set(HABITS)
    assert "audio" not in HABITS  # an alias
    named = {word for words in HABITS.values() for word in words.split("`")[1::2]}
    assert named <= ours | {
        "Idempotency-Key", "idempotency_key", "customer_id", "request", "Authorization", "X-API-Key",
    }  # fmt: skip


def test_refusal_repeats_no_value_and_can_be_sent() -> None:
    for field in GenerationRequest.model_fields:
        for value in hostile_values():
            request = {"prompt": "a boat", field: value, "metadata": {"s\ud83d": value}}
            with pytest.raises(InvalidRequest) as refused:
                parsed(EnqueueArguments, {"customer_id": CUSTOMER, "request": request})
            document = json.dumps(refused.value.problem(), ensure_ascii=False)
            assert document.encode()
            assert len(document) < 1500
