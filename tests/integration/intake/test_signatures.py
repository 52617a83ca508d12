"""Signed requests at the Redis door have the rights of the key that signs, in both forms of a message."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from celery import Celery
from redis import Redis
from sqlalchemy import text

from intake.orders import Intake
from intake.redis.request import Operation
from schemas.door_settings import DoorSettings
from schemas.enums import Scope
from schemas.settings import Settings
from storage import api_keys, customers
from storage.api_keys import OPERATOR, Owner, Terms
from storage.database import Database
from tests.integration.intake.raw_messages import Wire, served, signed, signed_text
from tests.integration.intake.test_redis_serving import a_door
from tests.support import NewCustomer

REQUEST = {"model": "nano-banana", "prompt": "a lighthouse in fog"}
PRICE = 4


@pytest.fixture
def strict(intake: Intake) -> Intake:
    """The intake of an operator who requires signatures."""
    door = DoorSettings(require_signatures=True)
    return replace(intake, settings=intake.settings.model_copy(update={"door": door}))


@pytest.fixture
def service(database: Database) -> Owner:
    """A service."""
    with database.transaction() as session:
        return Owner(service_id=customers.create_service(session, f"shop {uuid4()}").id)


def key_of(database: Database, owner: Owner, **terms: Any) -> str:
    with database.transaction() as session:
        return customers.create_key_of(session, owner, Terms(**terms)).material


def send(
    intake: Intake,
    wire: Wire,
    key: str,
    arguments: object,
    *,
    operation: str = Operation.ENQUEUE,
    signed_at: float | None = None,
    changes: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Sign and serve a message. `changes`: what a stranger changes of the signed message."""
    message_id = str(uuid4())
    made = signed(key, operation, message_id, arguments, timestamp=signed_at)
    return served(intake, {**made, **(changes or {})}, operation=operation, message_id=message_id, wire=wire)


def code(answer: dict[str, Any]) -> tuple[int, str]:
    return answer["error"]["status"], answer["error"]["code"]


def test_signed_order_is_one_of_the_keys_customer(
    strict: Intake, database: Database, customer: NewCustomer, wire: Wire
) -> None:
    answer = send(strict, wire, customer.api_key, {"request": REQUEST})
    named = send(strict, wire, customer.api_key, {"request": REQUEST, "customer_id": str(customer.id)})

    with database.transaction() as session:
        rows = session.execute(text("SELECT id, customer_id FROM generations")).all()
    assert {(str(row.id), row.customer_id) for row in rows} == {
        (answer["id"], customer.id),
        (named["id"], customer.id),
    }


def test_message_without_a_signature_is_refused_where_signatures_are_required(
    strict: Intake, customer: NewCustomer, wire: Wire
) -> None:
    answer = served(strict, {"customer_id": str(customer.id), "request": REQUEST}, wire=wire)
    assert code(answer) == (401, "unauthenticated")
    assert "sign with your API key" in answer["error"]["detail"]


def test_signed_message_is_served_where_signatures_are_not_required(
    intake: Intake, customer: NewCustomer, wire: Wire
) -> None:
    assert send(intake, wire, customer.api_key, {"request": REQUEST})["is_new"]


@pytest.mark.parametrize(
    "change",
    [
        {"arguments": '{"request": {"prompt": "another"}}'},
        {"signature": {"key": "", "timestamp": 0, "hmac": "0" * 64}},
    ],
)
def test_changed_message_is_refused(
    strict: Intake, database: Database, customer: NewCustomer, change: dict[str, Any], wire: Wire
) -> None:
    if "signature" in change:
        change = {"signature": {"key": customer.api_key[:8], "timestamp": int(time.time()), "hmac": "0" * 64}}
    answer = send(strict, wire, customer.api_key, {"request": REQUEST}, changes=change)
    assert code(answer) == (401, "signature_invalid")
    with database.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM generations")).scalar_one() == 0


@pytest.mark.parametrize(("operation", "message_id"), [(Operation.CANCEL, "one"), (Operation.ENQUEUE, "two")])
def test_signature_of_another_operation_or_message_is_refused(
    strict: Intake, customer: NewCustomer, operation: Operation, message_id: str, wire: Wire
) -> None:
    made = signed(customer.api_key, Operation.ENQUEUE, "one", {"request": REQUEST})
    answer = served(strict, made, operation=operation, message_id=message_id, wire=wire)
    assert code(answer) == (401, "signature_invalid")


def test_signature_is_valid_for_the_time_of_the_setting(strict: Intake, customer: NewCustomer, wire: Wire) -> None:
    valid_for = strict.settings.door.signature_seconds
    late = send(strict, wire, customer.api_key, {"request": REQUEST}, signed_at=time.time() - valid_for - 5)
    early = send(strict, wire, customer.api_key, {"request": REQUEST}, signed_at=time.time() + 3600)
    just = send(strict, wire, customer.api_key, {"request": REQUEST}, signed_at=time.time() - valid_for + 60)

    assert (code(late), "sign again" in late["error"]["detail"]) == ((401, "signature_invalid"), True)
    assert (code(early), "set the clock" in early["error"]["detail"]) == ((401, "signature_invalid"), True)
    assert just["is_new"]


def test_message_that_is_sent_again_within_the_time_is_the_same_order(
    strict: Intake, customer: NewCustomer, wire: Wire
) -> None:
    made = signed(customer.api_key, Operation.ENQUEUE, f"replayed-{wire}", {"request": REQUEST})
    first, again = (served(strict, made, message_id=f"replayed-{wire}", wire=wire) for _ in range(2))
    assert (first["is_new"], again["is_new"], again["id"]) == (True, False, first["id"])


def test_customers_key_acts_for_its_customer_only(
    strict: Intake, make_customer: Callable[[int], NewCustomer], wire: Wire
) -> None:
    stranger, other = make_customer(100), make_customer(100)
    answer = send(strict, wire, stranger.api_key, {"request": REQUEST, "customer_id": str(other.id)})
    assert code(answer) == (403, "other_customer")


def test_service_names_its_customers_by_its_own_numbers(
    strict: Intake, database: Database, service: Owner, wire: Wire
) -> None:
    key = key_of(database, service, makes_customers=True)
    arguments = {"request": REQUEST, "customer_id": "123"}

    assert code(send(strict, wire, key, {"request": REQUEST})) == (422, "invalid_request")
    # The customer is made, and has no credits.
    assert code(send(strict, wire, key, arguments)) == (402, "insufficient_credits")
    with database.transaction() as session:
        made = session.execute(text("SELECT id FROM customers WHERE reference = '123'")).scalar_one()
    assert isinstance(made, UUID)
    assert send(strict, wire, key, arguments, operation=Operation.ESTIMATE)["credits"] == PRICE


def test_unknown_customer_of_a_service_is_not_found(
    strict: Intake, database: Database, service: Owner, wire: Wire
) -> None:
    key = key_of(database, service)
    assert code(send(strict, wire, key, {"request": REQUEST, "customer_id": "123"})) == (404, "not_found")


def test_operators_key_names_a_customer_by_our_id(
    strict: Intake, database: Database, customer: NewCustomer, wire: Wire
) -> None:
    key = key_of(database, OPERATOR)
    answer = send(strict, wire, key, {"request": REQUEST, "customer_id": str(customer.id)})
    assert answer["is_new"]


def test_key_needs_the_scope_of_the_operation(
    strict: Intake, database: Database, customer: NewCustomer, wire: Wire
) -> None:
    reads = key_of(database, Owner(customer.id), scopes=(Scope.READ,))

    assert send(strict, wire, reads, {"request": REQUEST}, operation=Operation.ESTIMATE)["credits"] == PRICE
    refused = send(strict, wire, reads, {"request": REQUEST})
    assert (code(refused), refused["error"]["required_scope"]) == ((403, "insufficient_scope"), "generate")


def test_cap_of_the_key_holds_for_signed_orders(
    strict: Intake, database: Database, customer: NewCustomer, wire: Wire
) -> None:
    key = key_of(database, Owner(customer.id), daily_cap=PRICE)

    assert send(strict, wire, key, {"request": REQUEST})["is_new"]
    assert code(send(strict, wire, key, {"request": REQUEST})) == (402, "daily_cap_reached")


def test_keys_rotate_end_and_are_revoked_as_over_http(
    strict: Intake, database: Database, customer: NewCustomer, wire: Wire
) -> None:
    old = key_of(database, Owner(customer.id))
    with database.transaction() as session:
        (row,) = api_keys.named(session, Owner(customer.id), old)
        new = api_keys.rotate(session, row, ends_in=timedelta(hours=1)).material
    assert [send(strict, wire, key, {"request": REQUEST})["is_new"] for key in (old, new)] == [True, True]

    with database.transaction() as session:
        (row,) = api_keys.named(session, Owner(customer.id), old)
        api_keys.revoke(session, row)
        session.execute(text("UPDATE api_keys SET expires_at = now() WHERE prefix = :new"), {"new": new[:8]})
    assert code(send(strict, wire, old, {"request": REQUEST})) == (401, "key_revoked")
    assert code(send(strict, wire, new, {"request": REQUEST})) == (401, "key_expired")


def test_use_of_a_signing_key_is_recorded(
    strict: Intake, database: Database, customer: NewCustomer, wire: Wire
) -> None:
    key = key_of(database, Owner(customer.id))
    send(strict, wire, key, {"request": REQUEST})
    with database.transaction() as session:
        used = session.execute(
            text("SELECT last_used_at FROM api_keys WHERE key_hash = :hash"), {"hash": api_keys.hashed(key)}
        ).scalar_one()
    assert used is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arguments": {"request": REQUEST}}, "arguments: must be text in quotation marks"),
        ({"signature": {"key": "rw_12345"}}, "signature.timestamp: is missing"),
        ({"signature": "text"}, "signature: must be an object"),
        ({"signature": {"key": "rw_", "timestamp": 2**40, "hmac": "x"}}, "set the clock"),
        ({"signature": {"key": "\ud800", "timestamp": 1, "hmac": "x"}}, "half of a surrogate pair"),
    ],
)
def test_malformed_signature_is_refused_with_what_would_be_right(
    strict: Intake, customer: NewCustomer, changes: dict[str, Any], words: str, wire: Wire
) -> None:
    answer = send(strict, wire, customer.api_key, {"request": REQUEST}, changes=changes)
    assert words in answer["error"]["detail"]


@pytest.mark.parametrize("name", ["rw_", "rw_zzzzz", "\x00", "x" * 40])
def test_unknown_key_is_refused(strict: Intake, name: str, wire: Wire) -> None:
    signature = {"key": name, "timestamp": int(time.time()), "hmac": "0" * 64}
    assert code(served(strict, {"arguments": "{}", "signature": signature}, wire=wire)) == (401, "unauthenticated")


@pytest.mark.parametrize("document", ["", "[]", "null", "[" * 100_000, "{" + "," * 30_000 + "}"])
def test_signed_text_that_is_no_object_is_refused(
    strict: Intake, customer: NewCustomer, document: str, wire: Wire
) -> None:
    message_id = str(uuid4())
    made = signed_text(customer.api_key, Operation.ENQUEUE, message_id, document)
    refused = served(strict, made, message_id=message_id, wire=wire)
    assert code(refused) in {(422, "invalid_request"), (400, "bad_request")}


def test_celery_client_signs_with_the_id_that_it_chooses(
    strict: Intake, settings: Settings, broker: Redis, customer: NewCustomer
) -> None:
    door, task_id = a_door(strict, broker), str(uuid4())
    with Celery(broker=settings.redis_url, backend=settings.redis_url, set_as_current=False) as app:
        kwargs = signed(customer.api_key, Operation.ENQUEUE, task_id, {"request": REQUEST})
        sent = app.send_task(Operation.ENQUEUE.value, task_id=task_id, queue="requests", kwargs=kwargs)
        door.serve()
        assert sent.get(timeout=60)["is_new"]
