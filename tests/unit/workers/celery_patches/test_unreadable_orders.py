from typing import Any
from uuid import uuid4

import pytest
from celery import Celery, states
from celery.worker.consumer import Consumer
from structlog.testing import capture_logs

from schemas.enums import TaskName
from tests.unit.workers.celery_patches.conftest import Consume, Receive
from tests.upstream import mended
from workers.celery_patches import unreadable_orders
from workers.celery_patches.unreadable_orders import AnsweringConsumer, _is_readable

DEEP = b"[" * 100_000
LONG_NUMBER = b"1" * 5000

unreadable = pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xff\xfe secret", id="no text"),
        pytest.param(b'[[], {"prompt": "secret"', id="no JSON"),
        pytest.param(b'[[], {"request": %s}, {}]' % LONG_NUMBER, id="a number of 5000 digits"),
        pytest.param(b'[[], {"request": %s}, {}]' % DEEP, id="100000 lists in each other"),
    ],
)
misshapen = pytest.mark.parametrize(
    "body", [None, 5, "secret", [], [[], {}], [[], 5, {}], [5, {}, {}], [[], {}, 5], {}]
)


def headers() -> dict[str, object]:
    return {"task": TaskName.ENQUEUE.value, "id": str(uuid4())}


@unreadable
def test_celery_discards_an_unreadable_message_without_an_answer(
    app: Celery, receive: Receive, consume: Consume, body: bytes
) -> None:
    sent = headers()
    try:
        consume(Consumer, receive(sent, body))
    except RecursionError:
        return
    if app.AsyncResult(str(sent["id"])).state != states.PENDING:
        pytest.fail(mended(unreadable_orders))


@unreadable
def test_unreadable_order_gets_a_problem_and_no_log_of_its_body(
    app: Celery, receive: Receive, consume: Consume, body: bytes
) -> None:
    _assert_refused(app, receive, consume, body)


@misshapen
def test_order_without_arguments_gets_a_problem(app: Celery, receive: Receive, consume: Consume, body: object) -> None:
    _assert_refused(app, receive, consume, body)


def _assert_refused(app: Celery, receive: Receive, consume: Consume, body: object) -> None:
    sent = headers()
    message = receive(sent, body)
    with capture_logs() as lines:
        consume(AnsweringConsumer, message)

    assert message.acknowledged
    answer: Any = app.AsyncResult(str(sent["id"])).result
    assert (answer["error"]["status"], answer["error"]["code"]) == (400, "bad_request")
    assert [line["event"] for line in lines] == ["order_unreadable"]
    assert "secret" not in str(lines)


@pytest.mark.parametrize("task_id", [None, 5, "", "two words", "x" * 201])
def test_unreadable_order_without_a_usable_id_is_discarded(receive: Receive, consume: Consume, task_id: object) -> None:
    message = receive({"task": TaskName.ENQUEUE.value, "id": task_id}, b"{")

    consume(AnsweringConsumer, message)

    assert message.acknowledged


@pytest.mark.parametrize(
    "body", [[[], {"request": {}}, {}], [["positional"], {}, {"chain": None}], {"args": [], "kwargs": {"request": {}}}]
)
def test_readable_order_goes_on_to_celery(receive: Receive, body: object) -> None:
    assert _is_readable(receive(headers(), body))
