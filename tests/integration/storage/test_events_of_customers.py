"""Each event names its customer, also in rows of a release that does not write the column."""

from collections.abc import Callable

from sqlalchemy import text
from sqlmodel import Session, col, select

from schemas.enums import EventName
from schemas.settings import Settings
from schemas.tables import Event, Generation
from storage import transitions
from storage.database import Database
from storage.sql import of
from tests.support import NewCustomer, a_generation

# The acceptance of the release before: the generation and its event are rows of one statement.
_EARLIER_ACCEPTANCE = text("""
    WITH inserted AS (
        INSERT INTO generations (
            id, customer_id, request_hash, kind, model, "order", credits, provider, result_urls, stage, progress,
            attempt, failures, route_index, wake_at, deadline_at
        )
        VALUES (gen_random_uuid(), :customer_id, 'a hash', 'image', 'a model', '{}', 0, 'kie', '[]', 'queued', 0,
                0, 0, 0, clock_timestamp(), clock_timestamp())
        RETURNING id
    )
    INSERT INTO events (generation_id, stage, name, data) SELECT id, 'queued', 'moved', '{}' FROM inserted
""")


def _customers(session: Session) -> list[tuple[object, object]]:
    return [(event.customer_id, event.progress) for event in session.exec(select(Event).order_by(col(Event.id))).all()]


def test_events_of_every_statement_name_the_customer_and_the_progress(
    database: Database, settings: Settings, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer = make_customer(100)
    generation_id = a_generation(database, settings, customer)
    with database.transaction() as session:
        transitions.note_all(of(session), EventName.CALLBACK_LATE, {generation_id: {}})
        transitions.cancel_unsent(of(session), session.get_one(Generation, generation_id))
    with database.transaction() as session:
        assert _customers(session) == [(customer.id, 0)] * 3


def test_rows_of_the_earlier_release_get_their_customer(
    database: Database, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer = make_customer(0)
    with database.transaction() as session:
        session.execute(_EARLIER_ACCEPTANCE, {"customer_id": customer.id})
    with database.transaction() as session:
        assert _customers(session) == [(customer.id, None)]
