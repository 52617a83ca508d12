"""Whatever stands in Redis, Celery sees a message that it can run and acknowledge."""

import json
from typing import Any

import pytest
from celery import Celery
from celery.worker.request import Request
from kombu.transport.virtual import Channel, Message

from drills.hostile.messages import WRONG, message
from schemas.enums import Queue, TaskName
from schemas.json_values import MOST_VALUES, TOO_MANY_VALUES
from schemas.plain_messages import Unreadable
from workers.envelopes import checked

KEYWORDS = {"customer_id": "a customer", "request": {"prompt": "a prompt"}}

APP = Celery("envelopes", set_as_current=False)
APP.conf.accept_content = ["json"]


@APP.task(name="work", shared=False)
def _work() -> None:
    """Does nothing: no test runs a task."""


def taken(order: object, queue: str = "requests") -> dict[str, Any]:
    """The message as Celery gets it, after Celery has read it without an error."""
    found: Any = checked(json.dumps(order).encode(), queue)
    channel: Any = Channel.__new__(Channel)
    request: Any = Request(Message(found, channel=channel, accept=["application/json"]), app=APP, task=_work)
    assert isinstance(request.id, str)
    return {"task": request.name, "id": request.id, "args": request.args, "kwargs": request.kwargs, "message": found}


def is_safe(order: object) -> bool:
    """Whether Celery can read the message, or never sees it."""
    try:
        return bool(taken(order))
    except Unreadable:
        return True


def why(order: object) -> str:
    """The reason with which an order is refused."""
    found = taken(order)
    assert found["task"] == TaskName.REFUSE
    return str(found["kwargs"]["detail"])


def test_an_order_keeps_its_id_and_arguments() -> None:
    order = message()
    found = taken(order)
    assert (found["task"], found["id"], found["args"], found["kwargs"]) == (
        "generation.enqueue",
        order["headers"]["id"],
        [],
        KEYWORDS,
    )


def test_an_order_of_protocol_1_is_an_order() -> None:
    body = {"task": "generation.enqueue", "id": "1", "args": [], "kwargs": KEYWORDS, "retries": 0, "eta": None}
    found = taken(message(body, headers={}))
    assert (found["task"], found["id"], found["kwargs"]) == ("generation.enqueue", "1", KEYWORDS)


def test_an_order_with_too_many_values_is_refused_before_it_is_parsed() -> None:
    request = {"prompt": "a prompt", **{f"field {number}": 1 for number in range(20_001)}}
    order = message([[], {"customer_id": "a customer", "request": request}, {}])
    assert why(order) == "the message is too large: JSON may have up to 20000 commas and brackets"


@pytest.mark.parametrize("opening", [b"", b'{"headers": {"id": "1"}, "properties": ['])
def test_a_message_with_too_many_values_is_discarded_before_it_is_parsed(opening: bytes) -> None:
    with pytest.raises(Unreadable, match=TOO_MANY_VALUES):
        checked(opening + b"," * (MOST_VALUES + 1), "requests")


def test_the_values_of_a_body_that_is_a_plain_text_count_once() -> None:
    request = {"prompt": "a prompt", "image_urls": [1] * (MOST_VALUES - 20)}
    properties = {"body_encoding": "utf-8", "delivery_info": {"priority": [1] * 100}}
    order = {**message(properties=properties), "body": json.dumps([[], {"request": request}, {}])}
    assert taken(order)["kwargs"]["request"] == request


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("field", sorted(message()["headers"]))
def test_no_value_of_a_header_breaks_celery(field: str, value: object) -> None:
    assert is_safe(message(headers={**message()["headers"], field: value}))


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("field", sorted(message()["properties"]))
def test_no_value_of_a_property_breaks_celery(field: str, value: object) -> None:
    assert is_safe(message(properties={**message()["properties"], field: value}))


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("field", sorted(message()))
def test_no_value_of_a_part_breaks_celery(field: str, value: object) -> None:
    assert is_safe(message(**{field: value}))


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_no_value_in_the_body_breaks_celery(place: int, value: object) -> None:
    body: list[object] = [[], KEYWORDS, {}]
    body[place] = value
    taken(message(body))


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"eta": "2030-01-01T00:00:00"}, "without eta"),
        ({"group": "g"}, "without a group"),
        ({"task": "generation.submit"}, "takes generation.enqueue"),
        ({"task": "pipeline.sweep"}, "takes generation.enqueue"),
        ({"task": "their.task"}, "takes generation.enqueue"),
        ({"compression": "application/x-gzip"}, "plain JSON"),
        ({"expires": "soon"}, "ISO 8601"),
    ],
)
def test_an_order_that_asks_for_more_than_an_order_is_refused_in_words(headers: dict[str, object], said: str) -> None:
    assert said in why(message(headers={**message()["headers"], **headers}))


@pytest.mark.parametrize(
    "id_", [None, 5, 1.5, True, "", "a b", "x" * 201, "\ud83d"], ids=lambda value: repr(value)[:12]
)
def test_an_order_without_an_id_is_discarded_because_nobody_can_read_the_answer(id_: object) -> None:
    with pytest.raises(Unreadable, match="needs an id"):
        taken(message(headers={**message()["headers"], "id": id_}))


@pytest.mark.parametrize("part", ["callbacks", "errbacks", "chain", "chord"])
def test_an_order_carries_no_other_work(part: str) -> None:
    assert "stands alone" in why(message([[], KEYWORDS, {part: [{"task": "pipeline.sweep"}]}]))


@pytest.mark.parametrize("queue", [queue.value for queue in Queue if queue is not Queue.REQUESTS])
def test_an_order_in_a_queue_of_ours_is_discarded(queue: str) -> None:
    with pytest.raises(Unreadable):
        checked(json.dumps(message()).encode(), queue)


@pytest.mark.parametrize(
    "raw", [b"", b"no JSON", b"\xff\xfe", b"[]", b"5", b"null", b"[" * 100_000, b"9" * 10_000], ids=lambda raw: raw[:8]
)
def test_what_is_no_message_is_discarded(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        checked(raw, "requests")


def test_a_compressed_body_is_refused_without_a_look_at_it() -> None:
    bomb = "eJztwTEBAAAAwqD1T20JT6AAAHgaCWAAAQ=="
    assert "compressed" in why(message(body=bomb, headers={**message()["headers"], "compression": "zlib"}))


@pytest.mark.parametrize("encoding", ["gzip", "zlib", 5, "", "utf-16"])
def test_another_encoding_of_the_body_is_refused(encoding: object) -> None:
    assert "base64" in why(message(properties={**message()["properties"], "body_encoding": encoding}))


def test_a_refusal_quotes_only_the_beginning_of_a_task_name() -> None:
    assert len(why(message(headers={**message()["headers"], "task": "x" * 10_000}))) < 200


def test_the_answer_goes_to_the_id_of_the_message() -> None:
    order = message(headers={**message()["headers"], "eta": "2030-01-01T00:00:00"})
    assert taken(order)["id"] == order["headers"]["id"]


def test_each_message_has_a_delivery_tag_of_its_own() -> None:
    order = message()
    tags = {taken(order)["message"]["properties"]["delivery_tag"] for _ in range(3)}
    assert len(tags) == 3
