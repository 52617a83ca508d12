"""Priority, scheduled starts and latest starts, at every door."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import redis
from sqlmodel import select

from intake.orders import Intake, Payer
from schemas.batches import Part
from schemas.customer_tables import ApiKey
from schemas.enums import DEFAULT_SCOPES, Scope
from schemas.limits import Priority
from schemas.orders import GenerationRequest, Order
from schemas.tables import Generation
from storage import api_keys, customers
from storage.api_keys import Terms
from storage.database import Database
from tests.integration.intake.conftest import Door
from tests.integration.intake.test_doors import woken
from tests.support import NewCustomer, eventually

REQUEST = {"model": "nano-banana", "prompt": "a lighthouse in fog"}
WORK = timedelta(minutes=10)


@pytest.fixture(params=["http", "over_redis", "over_plain_redis"])
def door(request: pytest.FixtureRequest) -> Door:
    """Each door in turn."""
    opened: Door = request.getfixturevalue(request.param)
    return opened


def rows(database: Database) -> list[Generation]:
    with database.transaction() as session:
        return list(session.exec(select(Generation).order_by("created_at")))


def order_of(row: Generation) -> Order:
    return Order.model_validate(row.order)


def test_scheduled_order_gets_no_wake_up_before_its_start(
    door: Door, database: Database, customer: NewCustomer, broker: redis.Redis
) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    fields = {"not_before": start.isoformat(), "start_within": 60, "priority": "high"}
    assert door(customer, {**REQUEST, **fields}, None).is_new
    now = door(customer, REQUEST, None)

    # A door sends wake-ups in the order of the orders.
    assert eventually(lambda: woken(broker), bool) == [[now.id, 0]]
    scheduled, _ = rows(database)
    assert (scheduled.wake_at, scheduled.deadline_at) == (start, start + WORK)
    order = order_of(scheduled)
    assert (order.not_before, order.priority) == (start, Priority.HIGH)
    assert scheduled.created_at
    assert order.start_by(scheduled.created_at) == start + timedelta(minutes=1)


def test_start_in_the_past_means_at_once(door: Door, database: Database, customer: NewCustomer) -> None:
    before = datetime.now(UTC)
    assert door(customer, {**REQUEST, "not_before": "0001-01-01T00:00:00+14:00", "start_within": 60}, None).is_new
    (row,) = rows(database)
    after = datetime.now(UTC)
    assert before <= row.deadline_at - WORK <= after
    assert row.created_at
    start_by = order_of(row).start_by(row.created_at)
    assert start_by
    assert before <= start_by - timedelta(minutes=1) <= after


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("priority", "urgent", '"low", "normal" or "high"'),
        ("not_before", "2026-11-20T12:00:00", "with its zone"),
        ("not_before", 1_900_000_000, "with its zone"),
        ("not_before", "9999-12-31T23:59:59-14:00", "at most 30 days ahead"),
        ("start_within", 0, "at least 1"),
        ("start_within", 604_801, "at most 604800"),
    ],
)
def test_wrong_value_is_refused_in_words_that_name_the_right_ones(
    door: Door, database: Database, customer: NewCustomer, field: str, value: object, words: str
) -> None:
    problem = door(customer, {**REQUEST, field: value}, None).problem
    (error,) = problem["errors"]
    assert (problem["status"], error["field"]) == (422, field)
    assert words in error["message"].replace("'", '"')
    assert rows(database) == []


@pytest.mark.parametrize("priority", ["low", "normal", "high"])
@pytest.mark.parametrize("has_scope", [True, False])
def test_only_high_priority_with_the_scope_may_use_the_reserve(
    http: Door, database: Database, customer: NewCustomer, *, has_scope: bool, priority: str
) -> None:
    scopes = (*DEFAULT_SCOPES, Scope.PRIORITY) if has_scope else DEFAULT_SCOPES
    with database.transaction() as session:
        key = customers.create_api_key(session, customer.id, Terms(scopes=scopes))

    assert http(NewCustomer(customer.id, key), {**REQUEST, "priority": priority}, None).is_new

    order = order_of(rows(database)[0])
    assert order.priority.word == priority
    assert order.may_use_reserve is (has_scope and priority == "high")


def test_orders_of_a_rotated_key_and_of_its_successor_are_two_flows(
    http: Door, database: Database, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer = make_customer(100)
    with database.transaction() as session:
        row = session.exec(select(ApiKey).where(ApiKey.customer_id == customer.id)).one()
        old_id, new = row.id, api_keys.rotate(session, row, ends_in=timedelta(hours=1))
        new_id = new.row.id
    http(customer, REQUEST, None)
    http(NewCustomer(customer.id, new.material), REQUEST, None)

    orders = [order_of(row) for row in rows(database)]

    assert {order.key_id for order in orders} == {old_id, new_id}
    assert [order.flow for order in orders] == [str(order.key_id) for order in orders]


def test_orders_of_a_key_are_one_flow_and_each_batch_is_another(
    http: Door, intake: Intake, database: Database, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer = make_customer(100)
    http(customer, REQUEST, None)
    http(customer, REQUEST, None)
    batch = intake.take_batch([Part(GenerationRequest.model_validate(REQUEST))] * 2, Payer(customer.id))
    with database.transaction() as session:
        key_id = session.exec(select(ApiKey.id).where(ApiKey.customer_id == customer.id)).one()

    flows = [order_of(row).flow for row in rows(database)]

    assert flows == [str(key_id)] * 2 + [str(batch.id)] * 2
