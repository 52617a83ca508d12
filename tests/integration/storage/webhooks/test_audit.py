"""The audit finds an event without a delivery."""

from collections.abc import Callable
from uuid import UUID

import pytest

from schemas.settings import Settings
from schemas.tables import Generation
from storage import transitions
from storage.audit import audit
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of
from storage.webhooks import endpoints
from tests.support import NewCustomer, a_generation, an_order

URL = "https://shop.example/hooks"

# The transactions of the events began long after the endpoints were made.
_EARLIER = "UPDATE webhook_endpoints SET hears_since = now() - interval '1 hour'"


@pytest.fixture
def cancelled(database: Database, settings: Settings, make_customer: Callable[[int], NewCustomer]) -> UUID:
    """A cancelled generation, which an endpoint and the `callback_url` of the order heard."""
    customer = make_customer(100)
    with database.transaction() as session:
        endpoints.create(session, customer.id, URL, types=["generation.*"])
    order = an_order().model_copy(update={"callback_url": URL})
    generation_id = a_generation(database, settings, customer, order)
    # The end of another generation is nothing for the callback URL.
    for each in (generation_id, a_generation(database, settings, customer)):
        with database.transaction() as session:
            transitions.cancel_unsent(of(session), session.get_one(Generation, each))
    with database.statement() as sql:
        sql.run(_EARLIER)
    return generation_id


@pytest.mark.usefixtures("cancelled")
def test_events_that_were_told_pass(database: Database, objects: ObjectStore) -> None:
    assert audit(database, objects).breaches == []


def test_each_missing_delivery_is_a_breach(database: Database, objects: ObjectStore, cancelled: UUID) -> None:
    with database.statement() as sql:
        sql.run("DELETE FROM webhook_deliveries WHERE generation_id = %(id)s", id=cancelled)

    found = audit(database, objects).breaches
    # The endpoint heard both events, and the callback URL the end.
    assert [(breach.rule, breach.subject) for breach in found] == [(4, str(cancelled))] * 3
    assert "has no delivery to endpoint" in found[0].problem


def test_events_before_the_endpoint_or_its_types_pass(
    database: Database, objects: ObjectStore, cancelled: UUID
) -> None:
    with database.statements() as sql:
        sql.run("DELETE FROM webhook_deliveries WHERE generation_id = %(id)s", id=cancelled)
        sql.run("UPDATE webhook_endpoints SET hears_since = now()")

    assert audit(database, objects).breaches == []


def test_deleted_generation_passes(database: Database, objects: ObjectStore, cancelled: UUID) -> None:
    with database.statements() as sql:
        sql.run("UPDATE webhook_deliveries SET state = 'delivered'")
        transitions.erase(sql, cancelled)

    assert audit(database, objects).breaches == []
