"""Whatever stands in a queue of ours, Celery sees a message that it can run and acknowledge."""

import json
from typing import Any

import pytest
from celery import Celery
from celery.worker.request import Request
from kombu.transport.virtual import Channel, Message

from drills.hostile.messages import WRONG, message
from schemas.enums import Queue
from schemas.plain_messages import Unreadable
from workers.envelopes import checked

BODY: list[object] = [["an id", 1], {}, {}]

APP = Celery("envelopes", set_as_current=False)
APP.conf.accept_content = ["json"]


@APP.task(name="work", shared=False)
def _work() -> None:
    """Does nothing: no test runs a task."""


def wake_up(body: object = None, **headers: object) -> dict[str, Any]:
    """A message of the queue `submit`, with changes."""
    whole = message(BODY if body is None else body)
    return {**whole, "headers": {**whole["headers"], "task": "generation.submit", **headers}}


def taken(wake: object, queue: str = "submit") -> dict[str, Any]:
    """The message as Celery gets it, after Celery has read it without an error."""
    found: Any = checked(json.dumps(wake).encode(), queue)
    channel: Any = Channel.__new__(Channel)
    request: Any = Request(Message(found, channel=channel, accept=["application/json"]), app=APP, task=_work)
    assert isinstance(request.id, str)
    return {"task": request.name, "id": request.id, "args": request.args, "kwargs": request.kwargs, "message": found}


def is_safe(wake: object) -> bool:
    """Whether Celery can read the message, or never sees it."""
    try:
        return bool(taken(wake))
    except Unreadable:
        return True


def test_a_wake_up_keeps_its_id_and_arguments() -> None:
    sent = wake_up()
    found = taken(sent)
    assert (found["task"], found["id"], found["args"]) == ("generation.submit", sent["headers"]["id"], ["an id", 1])


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("field", sorted(message()["headers"]))
def test_no_value_of_a_header_breaks_celery(field: str, value: object) -> None:
    assert is_safe(wake_up(**{field: value}))


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("field", sorted(message()["properties"]))
def test_no_value_of_a_property_breaks_celery(field: str, value: object) -> None:
    assert is_safe({**wake_up(), "properties": {**message()["properties"], field: value}})


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("field", sorted(message()))
def test_no_value_of_a_part_breaks_celery(field: str, value: object) -> None:
    assert is_safe({**wake_up(), field: value})


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_no_value_in_the_body_breaks_celery(place: int, value: object) -> None:
    body = list(BODY)
    body[place] = value
    assert is_safe(wake_up(body))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (wake_up(eta="2030-01-01T00:00:00"), "without eta"),
        (wake_up(group="g"), "without a group"),
        (wake_up(task="pipeline.sweep"), "takes generation.submit"),
        (wake_up([[], {}, {"chain": [{"task": "pipeline.sweep"}]}]), "stands alone"),
        (wake_up(expires="soon"), "ISO 8601"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_message_that_asks_for_more_than_its_task_is_discarded_in_words(changed: object, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        taken(changed)


@pytest.mark.parametrize("queue", [queue.value for queue in Queue if queue is not Queue.REQUESTS])
def test_an_order_in_a_queue_of_ours_is_discarded(queue: str) -> None:
    with pytest.raises(Unreadable):
        checked(json.dumps(message()).encode(), queue)


def test_each_message_has_a_delivery_tag_of_its_own() -> None:
    sent = wake_up()
    tags = {taken(sent)["message"]["properties"]["delivery_tag"] for _ in range(3)}
    assert len(tags) == 3
