"""The cost of a look does not grow with the backlog of an endpoint."""

from sqlalchemy import text

from bench.instruments.rows_read import CountingSql
from schemas.customer_tables import Customer
from schemas.webhook_tables import WebhookEndpoint
from storage.database import Database
from storage.webhooks import sending
from tests.integration.notify.webhooks.conftest import SECRET, an_endpoint, pending
from tests.support import NewCustomer

_ANALYZE = text("ANALYZE webhook_deliveries")


def test_look_for_due_endpoints_reads_a_row_for_each_endpoint(database: Database, customer: NewCustomer) -> None:
    full, other = (an_endpoint(database, customer, f"https://shop.example/{name}") for name in ("full", "other"))
    pending(database, full, 3000)
    pending(database, other, 1)
    with database.transaction() as session:
        session.execute(_ANALYZE)
        counting = CountingSql(session)
        found = sending.due(counting, after=sending.FIRST, limit=100)
    assert {each.id for each in found.found} == {full, other}
    assert found.next_after == sending.FIRST
    assert counting.rows < 20, counting.plans


def test_claim_reads_as_many_rows_as_there_is_room(database: Database, customer: NewCustomer) -> None:
    full, other = (an_endpoint(database, customer, f"https://shop.example/{name}") for name in ("full", "other"))
    pending(database, full, 3000)
    pending(database, other, 1)
    with database.transaction() as session:
        session.execute(_ANALYZE)
        counting = CountingSql(session)
        # The account of the claim claims, too: the second run claims the next ones.
        claims = sending.claim(counting, {full: 10, other: 10}, lease_seconds=60)
    assert len(claims) == 10
    assert counting.rows < 150, counting.plans


def test_claim_reads_no_message_that_waits_for_its_next_try(database: Database, customer: NewCustomer) -> None:
    full = an_endpoint(database, customer, "https://shop.example")
    pending(database, full, 3000)
    with database.transaction() as session:
        session.execute(text("UPDATE webhook_deliveries SET next_at = now() + interval '1 hour'"))
        session.execute(_ANALYZE)
        counting = CountingSql(session)
        assert sending.claim(counting, {full: 10}, lease_seconds=60) == []
    assert counting.rows < 20, counting.plans


def test_look_goes_on_where_the_part_before_ended(database: Database, customer: NewCustomer) -> None:
    endpoints = {an_endpoint(database, customer, f"https://shop.example/{number}") for number in range(5)}
    for each in endpoints:
        pending(database, each, 2)
    seen, after = set(), sending.FIRST
    with database.statement() as statement:
        while True:
            part = sending.due(statement, after=after, limit=2)
            seen |= {each.id for each in part.found}
            after = part.next_after
            if after == sending.FIRST:
                break
    assert seen == endpoints


def test_test_customer_shares_the_places_of_its_live_customer(database: Database, customer: NewCustomer) -> None:
    with database.transaction() as session:
        test = Customer(name="test", test_of=customer.id)
        session.add(test)
        session.flush()
        session.add(
            made := WebhookEndpoint(customer_id=test.id, url="https://shop.example", types=["*"], secret=SECRET)
        )
        session.flush()
        endpoint_id = made.id
    pending(database, endpoint_id, 1)
    with database.statement() as statement:
        (found,) = sending.due(statement, after=sending.FIRST, limit=10).found
    assert (found.id, found.customer_id) == (endpoint_id, customer.id)
