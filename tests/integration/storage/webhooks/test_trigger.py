"""The trigger of `events` makes a delivery for each event and each endpoint that hears the event."""

from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from schemas.enums import EventName, Stage
from schemas.event_types import EventType, type_of
from schemas.settings import Settings
from schemas.tables import Generation
from schemas.webhook_tables import WebhookDelivery, WebhookEndpoint, WebhookGeneration
from schemas.webhooks import FILTERS, USUAL_TYPES, filters_for
from storage import transitions
from storage.database import Database
from storage.sql import of
from tests.support import NewCustomer, a_generation

_MOVE = text("""
    INSERT INTO events (generation_id, customer_id, origin, stage, progress, name, data)
    SELECT id, customer_id, :origin, :stage, 0, 'moved', '{}' FROM generations WHERE id = ANY(:ids)
""")


def _endpoint(database: Database, customer: NewCustomer, types: Sequence[str] = ("*",), **more: object) -> UUID:
    row = WebhookEndpoint.model_validate(
        {"customer_id": customer.id, "url": "https://shop.example/hook", "types": types, "secret": "whsec_1", **more}
    )
    with database.transaction() as session:
        session.add(row)
    return row.id


def _moves(
    database: Database, *ids: UUID, origin: Stage | None = Stage.SETTLING, stage: Stage = Stage.COMPLETED
) -> None:
    with database.transaction() as session:
        session.execute(_MOVE, {"ids": list(ids), "origin": origin, "stage": stage})


def _deliveries(database: Database) -> Sequence[WebhookDelivery]:
    with database.transaction() as session:
        return session.exec(select(WebhookDelivery).order_by(col(WebhookDelivery.event_id))).all()


def _cancel(session: Session, generation_id: UUID) -> None:
    transitions.cancel_unsent(of(session), session.get_one(Generation, generation_id))


def test_sql_names_each_move_as_python_does(database: Database) -> None:
    with database.transaction() as session:
        for origin in (None, *Stage):
            for stage in Stage:
                named = session.execute(
                    text("SELECT webhook_event_type(:a, :b)"), {"a": origin, "b": stage}
                ).scalar_one()
                assert (origin, stage, named) == (origin, stage, type_of(origin, stage))


@pytest.mark.parametrize("entry", FILTERS)
def test_filter_lets_the_same_types_through_in_sql_and_in_python(
    database: Database, settings: Settings, make_customer: Callable[[int], NewCustomer], entry: str
) -> None:
    customer = make_customer(100)
    generation_id = a_generation(database, settings, customer)
    _endpoint(database, customer, (entry,))
    heard = []
    for stage in Stage:
        for origin in (None, *(other for other in Stage if other is not stage)):
            _moves(database, generation_id, origin=origin, stage=stage)
            heard.append(type_of(origin, stage))
    expected = [kind for kind in heard if entry in filters_for(kind)]
    assert [EventType(row.type) for row in _deliveries(database)] == expected


def test_order_and_its_end_make_deliveries_in_their_transactions(
    database: Database, settings: Settings, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer, other = make_customer(100), make_customer(100)
    endpoint_id = _endpoint(database, customer)
    _endpoint(database, other)
    generation_id = a_generation(database, settings, customer)
    with database.transaction() as session:
        _cancel(session, generation_id)
        session.rollback()
    with database.transaction() as session:
        _cancel(session, generation_id)
    made = _deliveries(database)
    assert [(row.endpoint_id, row.customer_id, row.generation_id, row.type, row.state, row.tries) for row in made] == [
        (endpoint_id, customer.id, generation_id, kind, "pending", 0)
        for kind in ("generation.accepted", "generation.cancelled")
    ]
    assert len({row.id for row in made}) == 2


def test_timeline_entry_without_a_move_makes_no_delivery(
    database: Database, settings: Settings, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer = make_customer(100)
    generation_id = a_generation(database, settings, customer)
    _endpoint(database, customer)
    with database.transaction() as session:
        transitions.note_all(of(session), EventName.CALLBACK_LATE, {generation_id: {}})
    assert _deliveries(database) == []


def test_statement_with_events_of_several_customers_makes_the_deliveries_of_each(
    database: Database, settings: Settings, make_customer: Callable[[int], NewCustomer]
) -> None:
    customers = [make_customer(100) for _ in range(3)]
    generations = [a_generation(database, settings, customer) for customer in customers for _ in range(2)]
    endpoints = [_endpoint(database, customer, USUAL_TYPES) for customer in (*customers[:2], customers[0])]
    _moves(database, *generations)
    made = {(row.endpoint_id, row.generation_id) for row in _deliveries(database)}
    assert made == {
        *((endpoints[0], generation) for generation in generations[:2]),
        *((endpoints[2], generation) for generation in generations[:2]),
        *((endpoints[1], generation) for generation in generations[2:4]),
    }


def test_endpoint_of_a_callback_url_hears_its_own_generations_alone(
    database: Database, settings: Settings, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer = make_customer(100)
    its, others = (a_generation(database, settings, customer) for _ in range(2))
    endpoint_id = _endpoint(database, customer, USUAL_TYPES, is_implicit=True)
    with database.transaction() as session:
        session.add(WebhookGeneration(generation_id=its, endpoint_id=endpoint_id))
    _moves(database, its, others)
    assert [(row.endpoint_id, row.generation_id) for row in _deliveries(database)] == [(endpoint_id, its)]


def test_paused_endpoint_collects_deliveries_and_a_deleted_one_none(
    database: Database, settings: Settings, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer = make_customer(100)
    generation_id = a_generation(database, settings, customer)
    paused = _endpoint(database, customer, paused_at="2026-11-29T12:00:00Z", paused_reason="failing")
    _endpoint(database, customer, deleted_at="2026-11-29T12:00:00Z")
    _moves(database, generation_id)
    assert [row.endpoint_id for row in _deliveries(database)] == [paused]
