"""Whatever stands in `requests`, the door reads a request, tells the sender why not, or gives the message up."""

import json
from datetime import UTC, datetime

import pytest

from drills.hostile.messages import WRONG, message
from intake.redis.envelopes import MOST_BYTES, read
from intake.redis.replies import CELERY, Reply
from intake.redis.request import Operation, RefusedRequest, Request
from schemas.json_values import MOST_VALUES, TOO_MANY_VALUES
from schemas.plain_messages import Unreadable

KEYWORDS = {"customer_id": "a customer", "request": {"prompt": "a prompt"}}


def taken(order: object) -> Request:
    return read(json.dumps(order).encode())


def why(order: object) -> str:
    """The reason with which an order is refused."""
    with pytest.raises(RefusedRequest) as refused:
        taken(order)
    return refused.value.error.detail


def is_decided(order: object) -> bool:
    """Whether the door serves the order, refuses it or gives it up, and no step crashes."""
    try:
        return bool(taken(order))
    except (RefusedRequest, Unreadable):
        return True


def test_an_order_keeps_its_id_and_arguments() -> None:
    order = message()
    found = taken(order)
    assert (found.id, found.operation, found.arguments, found.reply, found.wire) == (
        order["headers"]["id"],
        Operation.ENQUEUE,
        KEYWORDS,
        CELERY,
        "celery",
    )
    assert (found.expires, found.ignores_answer, found.raw) == (None, False, json.dumps(order).encode())


def test_an_order_of_protocol_1_is_an_order() -> None:
    body = {"task": "generation.enqueue", "id": "1", "args": [], "kwargs": KEYWORDS, "retries": 0, "eta": None}
    found = taken(message(body, headers={}))
    assert (found.id, found.operation, found.arguments) == ("1", Operation.ENQUEUE, KEYWORDS)


@pytest.mark.parametrize("expires", ["2030-01-01T00:00:00", "2030-01-01T00:00:00+00:00", "2030-01-01T01:00:00+01:00"])
def test_the_end_of_an_order_has_a_time_zone(expires: str) -> None:
    found = taken(message(headers={**message()["headers"], "expires": expires}))
    assert found.expires == datetime(2030, 1, 1, tzinfo=UTC)


def test_a_sender_may_want_no_answer() -> None:
    assert taken(message(headers={**message()["headers"], "ignore_result": True})).ignores_answer


def test_no_part_of_a_request_is_shown_by_accident() -> None:
    assert "a prompt" not in repr(taken(message()))


def test_a_second_delivery_has_the_digest_of_the_first_and_another_request_has_not() -> None:
    order = message()
    other = message([[], {**KEYWORDS, "request": {"prompt": "another"}}, {}])
    again = {**order, "properties": {**order["properties"], "delivery_tag": "another"}}
    assert taken(order).digest == taken(again).digest != taken(other).digest


def test_an_order_with_too_many_values_is_refused_before_it_is_parsed() -> None:
    request = {"prompt": "a prompt", **{f"field {number}": 1 for number in range(20_001)}}
    order = message([[], {"customer_id": "a customer", "request": request}, {}])
    assert why(order) == "the message is too large: JSON may have up to 20000 commas and brackets"


@pytest.mark.parametrize("opening", [b"", b'{"headers": {"id": "1"}, "properties": ['])
def test_a_message_with_too_many_values_is_given_up_before_it_is_parsed(opening: bytes) -> None:
    with pytest.raises(Unreadable, match=TOO_MANY_VALUES):
        read(opening + b"," * (MOST_VALUES + 1))


def test_a_message_that_is_too_large_is_given_up() -> None:
    with pytest.raises(Unreadable, match="more than"):
        read(b" " * (MOST_BYTES + 1))


def test_the_values_of_a_body_that_is_a_plain_text_count_once() -> None:
    request = {"prompt": "a prompt", "image_urls": [1] * (MOST_VALUES - 20)}
    properties = {"body_encoding": "utf-8", "delivery_info": {"priority": [1] * 100}}
    order = {**message(properties=properties), "body": json.dumps([[], {"request": request}, {}])}
    assert taken(order).arguments["request"] == request


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("field", sorted(message()["headers"]))
def test_no_value_of_a_header_breaks_the_door(field: str, value: object) -> None:
    assert is_decided(message(headers={**message()["headers"], field: value}))


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("field", sorted(message()["properties"]))
def test_no_value_of_a_property_breaks_the_door(field: str, value: object) -> None:
    assert is_decided(message(properties={**message()["properties"], field: value}))


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("field", sorted(message()))
def test_no_value_of_a_part_breaks_the_door(field: str, value: object) -> None:
    assert is_decided(message(**{field: value}))


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_no_value_in_the_body_breaks_the_door(place: int, value: object) -> None:
    body: list[object] = [[], KEYWORDS, {}]
    body[place] = value
    assert is_decided(message(body))


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


def test_an_order_takes_keyword_arguments_only() -> None:
    assert "keyword arguments only" in why(message([["a customer"], KEYWORDS, {}]))


@pytest.mark.parametrize(
    "id_", [None, 5, 1.5, True, "", "a b", "x" * 201, "\ud83d"], ids=lambda value: repr(value)[:12]
)
def test_an_order_without_an_id_is_given_up_because_no_sender_can_read_the_answer(id_: object) -> None:
    with pytest.raises(Unreadable, match="needs an id"):
        taken(message(headers={**message()["headers"], "id": id_}))


@pytest.mark.parametrize("part", ["callbacks", "errbacks", "chain", "chord"])
def test_an_order_carries_no_other_work(part: str) -> None:
    assert "stands alone" in why(message([[], KEYWORDS, {part: [{"task": "pipeline.sweep"}]}]))


@pytest.mark.parametrize(
    "raw", [b"", b"no JSON", b"\xff\xfe", b"[]", b"5", b"null", b"[" * 100_000, b"9" * 10_000], ids=lambda raw: raw[:8]
)
def test_a_text_that_is_no_message_is_given_up(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read(raw)


def test_a_compressed_body_is_refused_without_a_look_at_it() -> None:
    bomb = "eJztwTEBAAAAwqD1T20JT6AAAHgaCWAAAQ=="
    assert "compressed" in why(message(body=bomb, headers={**message()["headers"], "compression": "zlib"}))


@pytest.mark.parametrize("encoding", ["gzip", "zlib", 5, "", "utf-16"])
def test_another_encoding_of_the_body_is_refused(encoding: object) -> None:
    assert "base64" in why(message(properties={**message()["properties"], "body_encoding": encoding}))


def test_a_refusal_quotes_only_the_beginning_of_a_task_name() -> None:
    assert len(why(message(headers={**message()["headers"], "task": "x" * 10_000}))) < 300


def test_the_answer_goes_to_the_id_of_the_message() -> None:
    order = message(headers={**message()["headers"], "eta": "2030-01-01T00:00:00"})
    with pytest.raises(RefusedRequest) as refused:
        taken(order)
    assert (refused.value.request_id, refused.value.reply) == (order["headers"]["id"], CELERY)


@pytest.mark.parametrize("kind", ["list", "stream"])
def test_a_plain_envelope_names_the_place_of_its_answer(kind: str) -> None:
    found = taken({"operation": "generation.enqueue", "id": "1", "reply_to": {kind: "reelworks:answers:mine"}})
    assert (found.id, found.wire, found.reply) == ("1", "plain", Reply(kind, "reelworks:answers:mine"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "place",
    [
        "submit",
        {"list": "submit"},
        {"list": "reelworks:answers:"},
        {"list": 5},
        {"key": "reelworks:answers:mine"},
        {"list": "reelworks:answers:a", "stream": "reelworks:answers:b"},
    ],
    ids=str,
)
def test_an_answer_goes_only_where_answers_belong(place: object) -> None:
    assert "reelworks:answers:" in why({"operation": "generation.enqueue", "id": "1", "reply_to": place})
