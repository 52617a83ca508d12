import json

import pytest
from pydantic import BaseModel, JsonValue

from providers.webhooks import bodies
from schemas.errors import CallbackRefused


class Event(BaseModel):
    id: str
    data: JsonValue = None


def parse(body: bytes) -> Event:
    return bodies.parse(body, Event, "an event", most_bytes=300_000)


def nested(levels: int) -> JsonValue:
    return [nested(levels - 1)] if levels else 1


@pytest.mark.parametrize(
    "data",
    [
        None,
        nested(31),
        list(range(9_000)),
        "[{," * 50_000,
        json.dumps({"prompt": 'a "boat", ' * 5_000}),
    ],
    ids=["small", "deep", "wide", "text", "escaped text"],
)
def test_a_body_within_the_limits_is_parsed(data: JsonValue) -> None:
    assert parse(json.dumps({"id": "1", "data": data}).encode()) == Event(id="1", data=data)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (json.dumps({"id": "1", "data": nested(32)}).encode(), "more than 32 levels"),
        (b"[" * 9_000, "more than 32 levels"),
        (json.dumps({"id": "1", "data": list(range(10_001))}).encode(), "more than 10000 values"),
        (b"[" * 300_000, "more than 10000 values"),
        (b'{"id": "1"}' + b" " * 300_000, "more than 300000 bytes"),
        (b'{"id": "' + b'\\"' * 140_000, "not an event"),
        (b'{"id": "\\', "not an event"),
        (b'{"data": 1}', "not an event"),
        (b"", "not an event"),
    ],
)
def test_a_body_beyond_a_limit_or_of_another_form_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(CallbackRefused, match=reason):
        parse(body)
