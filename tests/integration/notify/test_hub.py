"""The hub serves its subscriptions from committed rows, without a message from anybody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from sqlalchemy import text

from notify import hub as hub_module
from notify.events import HEARTBEAT
from notify.hub import Hub
from notify.reader import BATCH, EventReader
from notify.subscriptions import Subscription
from schemas.enums import Stage
from schemas.settings import Settings
from storage import transitions
from storage.changes import Changes
from storage.database import AsyncDatabase, Database
from tests.integration.gateway.finishing import claim
from tests.support import NewCustomer, a_generation

_MANY = text("""
    INSERT INTO events (generation_id, customer_id, origin, stage, progress, data)
    SELECT id, customer_id, 'queued', 'submitting', 5, '{}' FROM generations, generate_series(1, :count)
    WHERE id = :generation_id
""")

# A failure without its reason: the reason may be of a kind that only the next release knows.
_BROKEN = text("""
    INSERT INTO events (generation_id, customer_id, origin, stage, progress, data)
    SELECT id, customer_id, 'queued', 'failed', 5, '{}' FROM generations WHERE id = :generation_id
""")


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    return make_customer(100)


@pytest.fixture
def generation_id(database: Database, settings: Settings, customer: NewCustomer) -> UUID:
    return a_generation(database, settings, customer)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Hub]:
    """A hub with one connection to the database."""
    database = AsyncDatabase(settings.database_url, pool_size=1)
    hub = Hub(EventReader(database))
    task = asyncio.create_task(hub.run())
    try:
        yield hub
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await database.dispose()


def run(settings: Settings, act: Callable[[Hub], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with asyncio.timeout(60), running(settings) as hub:
            await act(hub)

    asyncio.run(inside())


async def until(subscription: Subscription, wanted: bytes) -> bytes:
    """Take messages until one contains the text."""
    taken = b""
    while wanted not in taken:
        more = await subscription.take()
        assert more, "the stream ended"
        taken += more
    return taken


def test_slow_reader_costs_one_batch_and_gets_every_event_later(
    database: Database, settings: Settings, customer: NewCustomer, generation_id: UUID
) -> None:
    count = 3 * BATCH
    with database.transaction() as session:
        session.execute(_MANY, {"count": count, "generation_id": generation_id})

    async def act(hub: Hub) -> None:
        slow, quick = (hub.follow_customer(customer.id, after=0) for _ in range(2))
        seen = b""
        while seen.count(b"event: stage") < count + 1:
            seen += await quick.take()
        # The quick reader has all: the hub has looked often, and the slow one still has its first batch only.
        first = await slow.take()
        assert first.count(b"event: stage") == BATCH
        rest = first
        while rest.count(b"event: stage") < count + 1:
            rest += await slow.take()
        assert rest == seen

    run(settings, act)


def test_stream_ends_when_its_generation_is_deleted(
    database: Database, settings: Settings, generation_id: UUID
) -> None:
    async def act(hub: Hub) -> None:
        subscription = hub.follow(generation_id, after=0)
        await until(subscription, b'"queued"')
        await asyncio.to_thread(_delete, database)
        while await subscription.take():
            pass
        assert subscription.is_over

    run(settings, act)


def _delete(database: Database) -> None:
    with database.transaction() as session:
        session.execute(
            text(
                "DELETE FROM events; DELETE FROM ledger_transfers WHERE generation_id IS NOT NULL; "
                "DELETE FROM generation_labels; DELETE FROM generations"
            )
        )


def test_progress_is_told_to_streams_of_customers_when_it_is_announced(
    database: Database, settings: Settings, customer: NewCustomer, generation_id: UUID
) -> None:
    held = claim(database, settings, generation_id)
    with database.statements() as sql:
        held = transitions.move(sql, held, Stage.SUBMITTING, wake_in=60, keeps_lease=True)
        held = transitions.move(sql, held, Stage.GENERATING, wake_in=60, keeps_lease=True)

    async def act(hub: Hub) -> None:
        subscription = hub.follow_customer(customer.id, after=0)
        told = await until(subscription, b'"generating"')
        assert b"event: progress" not in told
        await asyncio.to_thread(_show, database)
        hub.changed(generation_id, customer.id)
        told = await until(subscription, b"event: progress")
        assert told.count(b"event: ") == 1
        assert b'"progress":33' in told

    def _show(database: Database) -> None:
        with database.statements() as sql:
            transitions.record(sql, held, Changes(progress=33))

    run(settings, act)


def test_quiet_streams_get_heartbeats(
    settings: Settings, database: Database, generation_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "_LOOK_SECONDS", 0.01)

    async def act(hub: Hub) -> None:
        assert HEARTBEAT.startswith(b":")
        await until(hub.follow(generation_id, after=0), HEARTBEAT)

    run(settings, act)


def test_hub_goes_on_after_an_outage_of_the_database(
    settings: Settings, database: Database, customer: NewCustomer, generation_id: UUID
) -> None:
    async def act(hub: Hub) -> None:
        subscription = hub.follow(generation_id, after=0)
        await until(subscription, b'"queued"')
        await asyncio.to_thread(_cut_others, database)
        held = await asyncio.to_thread(claim, database, settings, generation_id)
        with database.statements() as sql:
            transitions.move(sql, held, Stage.SUBMITTING, wake_in=60)
        await until(subscription, b'"submitting"')

    run(settings, act)


def _cut_others(database: Database) -> None:
    with database.transaction() as session:
        cut = session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE '%unnest%asked%' AND pid <> pg_backend_pid()"
            )
        )
        assert set(cut.scalars()) == {True}


def test_stopped_hub_ends_old_and_new_subscriptions(
    settings: Settings, database: Database, customer: NewCustomer, generation_id: UUID
) -> None:
    async def act(hub: Hub) -> None:
        subscription = hub.follow_customer(customer.id, after=0)
        hub.stop()
        for each in subscription, hub.follow(generation_id, after=0):
            assert (await each.take()).startswith(b"retry: ")
            assert await each.take() == b""

    run(settings, act)


def test_event_that_cannot_be_shown_ends_its_stream_and_no_other(
    settings: Settings, database: Database, customer: NewCustomer, generation_id: UUID
) -> None:
    other = a_generation(database, settings, customer)
    with database.transaction() as session:
        session.execute(_BROKEN, {"generation_id": other})

    async def act(hub: Hub) -> None:
        good, bad = hub.follow(generation_id, after=0), hub.follow(other, after=0)
        while await bad.take():
            pass
        await until(good, b'"queued"')
        assert not good.is_over

    run(settings, act)
