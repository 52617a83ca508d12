"""Every door takes the same order in the same way."""

import base64
import json
from collections.abc import Callable

import pytest
import redis
from sqlmodel import Session, func, select

from schemas.enums import Queue, TaskName
from schemas.inputs import upload_url
from schemas.ledger_tables import LedgerTransfer
from schemas.media_types import HEAD_BYTES
from schemas.tables import Event, Generation, Upload
from storage import ledger, quota_settings
from storage.admission_control import Reason
from storage.database import Database
from storage.ledger import Balance
from storage.sql import of
from storage.uploads import identity
from tests.integration.intake.conftest import Door
from tests.support import NewCustomer, eventually

REQUEST = {
    "model": "nano-banana",
    "prompt": "a lighthouse in fog",
    "aspect_ratio": "16:9",
    "metadata": {"order": "1"},
    "reference": "k123",
}
PRICE = 4
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(HEAD_BYTES)


@pytest.fixture(params=["http", "over_redis", "over_plain_redis"])
def door(request: pytest.FixtureRequest) -> Door:
    """Each door in turn."""
    opened: Door = request.getfixturevalue(request.param)
    return opened


@pytest.fixture(params=["http", "over_redis"])
def other_door(request: pytest.FixtureRequest) -> Door:
    """Each door in turn, for a second order."""
    opened: Door = request.getfixturevalue(request.param)
    return opened


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    """A customer with 100 credits."""
    return make_customer(100)


def rows(database: Database) -> list[Generation]:
    with database.transaction() as session:
        return list(session.exec(select(Generation)))


def counts(database: Database, *tables: type) -> list[int]:
    def count(session: Session, table: type) -> int:
        return session.exec(select(func.count()).select_from(table)).one()

    with database.transaction() as session:
        return [count(session, table) for table in tables]


def balance(database: Database, customer: NewCustomer) -> Balance:
    with database.transaction() as session:
        return ledger.balance(session, customer.id)


def woken(broker: redis.Redis) -> list[list[object]]:
    """The arguments of the messages in the queue of submits."""
    parsed = [json.loads(message) for message in broker.lrange(Queue.SUBMIT.value, 0, -1)]
    assert {message["headers"]["task"] for message in parsed} <= {TaskName.SUBMIT.value}
    return [json.loads(base64.b64decode(message["body"]))[0] for message in parsed]


def test_an_order_inserts_a_row_holds_credits_and_sends_a_wake_up(
    door: Door, database: Database, customer: NewCustomer, broker: redis.Redis
) -> None:
    answer = door(customer, REQUEST, "key-1")

    (row,) = rows(database)
    assert (answer.id, answer.is_new, answer.problem) == (str(row.id), True, {})
    assert (row.customer_id, row.idempotency_key, row.credits, row.stage) == (customer.id, "key-1", PRICE, "queued")
    assert (row.model, row.order["metadata"], row.order["inputs"]["aspect_ratio"]) == (  # type: ignore[index]
        "nano-banana",
        {"order": "1"},
        "16:9",
    )
    assert row.order["reference"] == "k123"
    assert balance(database, customer) == Balance(available=100 - PRICE, held=PRICE)
    assert counts(database, Event) == [1]
    assert eventually(lambda: woken(broker), bool) == [[str(row.id), 0]]


def test_the_same_order_at_another_door_returns_the_same_generation(
    door: Door, other_door: Door, database: Database, customer: NewCustomer, broker: redis.Redis
) -> None:
    first = door(customer, REQUEST, "key-1")
    eventually(lambda: woken(broker), bool)
    again = other_door(customer, REQUEST, "key-1")
    later = other_door(customer, REQUEST, "key-2")

    assert (again.id, again.is_new, again.problem) == (first.id, False, {})
    assert later.is_new
    # A door sends wake-ups in order. When the third has arrived, the second was never sent.
    sent = eventually(lambda: woken(broker), lambda sent: [later.id, 0] in sent)
    assert sorted(sent) == sorted([[first.id, 0], [later.id, 0]])
    assert balance(database, customer) == Balance(available=100 - 2 * PRICE, held=2 * PRICE)


@pytest.mark.parametrize(
    ("order", "models"),
    [
        ({"model": "google/nano-banana"}, ("google/nano-banana", "nano-banana")),
        ({"model": "gemini"}, ("gemini", "nano-banana")),
        ({"model": "nano-banana"}, ("nano-banana", "nano-banana")),
        ({"kind": "image"}, (None, "nano-banana")),
    ],
)
def test_the_answer_names_the_ordered_model_and_the_model_that_serves(
    door: Door,
    other_door: Door,
    customer: NewCustomer,
    order: dict[str, object],
    models: tuple[str | None, str],
) -> None:
    assert door(customer, {"prompt": "a boat", **order}, "key-1").models == models
    assert other_door(customer, {"prompt": "a boat", **order}, "key-1").models == models


@pytest.mark.parametrize("name", ["openai-compatible-image ", "klingon", "gemini-2.5-pro", "nano-banana\n"])
def test_a_wrong_name_is_refused(door: Door, database: Database, customer: NewCustomer, name: str) -> None:
    answer = door(customer, {"prompt": "a boat", "model": name}, None)
    assert (answer.problem["status"], answer.problem["errors"][0]["field"]) == (422, "model")
    assert counts(database, Generation) == [0]


def test_a_key_of_another_order_is_refused(
    door: Door, other_door: Door, database: Database, customer: NewCustomer
) -> None:
    door(customer, REQUEST, "key-1")
    answer = other_door(customer, {**REQUEST, "prompt": "another"}, "key-1")

    assert (answer.problem["status"], answer.problem["code"]) == (422, "idempotency_mismatch")
    assert counts(database, Generation) == [1]


def test_an_order_with_too_few_credits_leaves_no_rows(
    door: Door, database: Database, make_customer: Callable[[int], NewCustomer], broker: redis.Redis
) -> None:
    poor = make_customer(PRICE - 1)
    answer = door(poor, REQUEST, None)

    assert (answer.problem["status"], answer.problem["code"]) == (402, "insufficient_credits")
    assert counts(database, Generation, Event) == [0, 0]
    assert balance(database, poor) == Balance(available=PRICE - 1, held=0)
    assert woken(broker) == []


def test_an_unknown_model_is_refused_with_the_available_models(
    door: Door, database: Database, customer: NewCustomer
) -> None:
    answer = door(customer, {**REQUEST, "model": "nano-bananna"}, None)

    assert (answer.problem["status"], answer.problem["code"]) == (422, "invalid_request")
    assert answer.problem["detail"].startswith("there is no model 'nano-bananna'; did you mean nano-banana")
    (error,) = answer.problem["errors"]
    assert (error["field"], "nano-banana" in error["allowed"]) == ("model", True)
    assert counts(database, Generation, LedgerTransfer) == [0, 1]


def test_a_file_inside_an_order_becomes_an_upload(
    door: Door, other_door: Door, database: Database, customer: NewCustomer
) -> None:
    uri = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
    request = {"model": "kling-2.6-image-to-video", "prompt": "fog", "image_urls": [uri]}
    answer, again = door(customer, request, "key-1"), other_door(customer, request, "key-1")

    (row,) = rows(database)
    assert (answer.id, again.id, again.is_new) == (str(row.id), str(row.id), False)
    with database.transaction() as session:
        (upload,) = session.exec(select(Upload)).all()
    assert (upload.customer_id, upload.id) == (customer.id, identity(customer.id, upload.sha256))
    assert row.order["inputs"]["image_urls"] == [upload_url(upload.id)]  # type: ignore[index]


@pytest.mark.parametrize("spelling", ["data:image/jpg;base64,{}", "DATA:;BASE64,{}", "data:image/png;base64,\n{}\n"])
def test_a_file_inside_an_order_has_the_type_of_its_bytes(
    door: Door, database: Database, customer: NewCustomer, spelling: str
) -> None:
    uri = spelling.format(base64.urlsafe_b64encode(PICTURE).decode().rstrip("="))
    answer = door(customer, {"model": "kling-2.6-image-to-video", "prompt": "fog", "image_urls": [uri]}, None)

    assert answer.problem == {}
    with database.transaction() as session:
        (upload,) = session.exec(select(Upload)).all()
    assert upload.content_type == "image/png"


def test_a_file_inside_an_order_that_is_no_picture_is_refused(
    door: Door, database: Database, customer: NewCustomer
) -> None:
    uri = f"data:image/jpeg;base64,{base64.b64encode(b's3cret').decode()}"
    request = {"model": "kling-2.6-image-to-video", "prompt": "fog", "image_urls": [uri]}
    answer = door(customer, request, None)

    assert (answer.problem["status"], answer.problem["code"]) == (422, "invalid_request")
    message = "is of another type, where one of image/png, image/jpeg, image/webp, image/gif belongs"
    assert answer.problem["errors"] == [{"field": "image_urls.0", "message": message}]
    assert counts(database, Generation, Upload) == [0, 0]


def test_an_order_over_a_limit_is_refused_with_the_limit_and_nothing_is_made(
    door: Door, database: Database, customer: NewCustomer
) -> None:
    with database.transaction() as session:
        quota_settings.change(of(session), customer.id, {"in_flight": 1}, Reason("a test"))

    assert door(customer, REQUEST, "key-1").is_new
    refused = door(customer, REQUEST, "key-2").problem
    assert (refused["status"], refused["code"], refused["limit"]) == (429, "quota_reached", "in_flight")
    assert refused["retry_after"] > 0
    assert counts(database, Generation) == [1]
    assert not door(customer, REQUEST, "key-1").is_new
