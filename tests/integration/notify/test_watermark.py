"""No event is lost while transactions commit in another order than their ids."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest

from notify import reader
from notify.watermark import Watermark
from schemas.enums import Stage
from schemas.settings import Settings
from storage import transitions
from storage.database import Database
from storage.sql import returns
from tests.integration.gateway.finishing import claim
from tests.support import NewCustomer, a_generation

INSERT = """
    INSERT INTO events (generation_id, customer_id, origin, stage, data)
    SELECT id, customer_id, NULL, 'queued', '{}' FROM generations WHERE id = %s RETURNING id
"""

# The transactions that wrote events, in the order of the events.
_WRITERS = returns(int)("SELECT xmin::text::bigint FROM events WHERE id = ANY(%(ids)s) ORDER BY id")


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    return make_customer(100)


@pytest.fixture
def generation_id(database: Database, settings: Settings, customer: NewCustomer) -> UUID:
    return a_generation(database, settings, customer)


@contextmanager
def transaction(settings: Settings) -> Iterator[psycopg.Connection]:
    """A transaction that is open until the test ends it. Rolled back at the end of the block otherwise."""
    with psycopg.connect(settings.database_url) as connection:
        yield connection
        connection.rollback()


def insert(connection: psycopg.Connection, generation_id: UUID) -> int:
    row = connection.execute(INSERT, [generation_id]).fetchone()
    assert row is not None
    return int(row[0])


def advanced(watermark: Watermark, database: Database) -> int | None:
    with database.statement() as sql:
        return watermark.advance(sql)


def settled(watermark: Watermark, database: Database) -> int:
    """The watermark after as many looks as it needs without an open transaction."""
    for _ in range(3):
        found = advanced(watermark, database)
    assert found is not None
    assert not watermark.is_held
    return found


def test_watermark_waits_for_an_open_transaction_and_no_event_is_lost(
    database: Database, settings: Settings, customer: NewCustomer, generation_id: UUID
) -> None:
    watermark = Watermark()
    before = settled(watermark, database)
    with transaction(settings) as late, transaction(settings) as quick:
        first = insert(late, generation_id)
        second = insert(quick, generation_id)
        quick.commit()
        assert second > first
        assert [advanced(watermark, database) for _ in range(4)] == [before] * 4
        assert watermark.is_held
        assert watermark.newest == second
        late.commit()
    assert settled(watermark, database) == second
    with database.statement() as sql:
        found = reader.of_customers(sql, [(customer.id, before)], settled=second, limit=10)
    assert [event.id for event in found[customer.id, before]] == [first, second]


def test_events_before_a_gap_do_not_wait(database: Database, settings: Settings, generation_id: UUID) -> None:
    watermark = Watermark()
    settled(watermark, database)
    with transaction(settings) as quick, transaction(settings) as late, transaction(settings) as last:
        first = insert(quick, generation_id)
        insert(late, generation_id)
        insert(last, generation_id)
        quick.commit()
        last.commit()
        assert advanced(watermark, database) == first


def test_ids_of_rolled_back_transactions_hold_nothing_back(
    database: Database, settings: Settings, generation_id: UUID
) -> None:
    watermark = Watermark()
    settled(watermark, database)
    with transaction(settings) as failed, transaction(settings) as good:
        insert(failed, generation_id)
        second = insert(good, generation_id)
        failed.rollback()
        good.commit()
        assert settled(watermark, database) == second


def test_new_process_waits_for_the_transactions_that_were_open_at_its_start(
    database: Database, settings: Settings, generation_id: UUID
) -> None:
    watermark = Watermark()
    with transaction(settings) as late, transaction(settings) as quick:
        insert(late, generation_id)
        second = insert(quick, generation_id)
        quick.commit()
        assert [advanced(watermark, database) for _ in range(3)] == [None] * 3
        late.commit()
        assert settled(watermark, database) == second


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customers SET name = 'renamed'",
        "SELECT count(*) FROM events",
        "SELECT * FROM events LIMIT 1 FOR SHARE",
        "CREATE TEMPORARY TABLE mine AS SELECT pg_current_xact_id()",
    ],
)
def test_long_transactions_that_insert_no_event_hold_nothing_back(
    database: Database, settings: Settings, generation_id: UUID, statement: str
) -> None:
    """A backup, a report, another writer: each may be open for hours."""
    watermark = Watermark()
    with transaction(settings) as long, transaction(settings) as failed, transaction(settings) as quick:
        long.execute(statement)
        settled(watermark, database)
        insert(failed, generation_id)
        second = insert(quick, generation_id)
        failed.rollback()
        quick.commit()
        assert settled(watermark, database) == second


def test_events_of_a_generation_are_in_the_order_of_its_moves_whatever_transaction_began_first(
    database: Database, settings: Settings, generation_id: UUID
) -> None:
    held = claim(database, settings, generation_id)
    with database.statements() as early:
        early.run("SELECT pg_current_xact_id()")
        with database.statements() as sql:
            held = transitions.move(sql, held, Stage.SUBMITTING, wake_in=60, keeps_lease=True)
        transitions.move(early, held, Stage.GENERATING, wake_in=60)
    with database.statement() as sql:
        (standing,) = reader.of_generations(sql, {generation_id: 0}).values()
        writers = sql.all(_WRITERS, ids=[event.id for event in standing.events])
    assert [event.stage for event in standing.events] == [Stage.QUEUED, Stage.SUBMITTING, Stage.GENERATING]
    assert writers[2] < writers[1]
