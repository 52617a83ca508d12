"""The stream in Redis has every event, in order, whatever happens to Redis, the database or the process."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from redis import Redis
from redis.asyncio.client import Pipeline
from sqlalchemy import text

from notify import told
from notify.alarms import Alarm
from notify.stream import publisher
from notify.stream.entries import STREAM, stream_of
from notify.stream.publisher import Publisher
from notify.told import EventFacts
from schemas.enums import ErrorCode
from schemas.settings import Settings
from schemas.told_api import ToldEvent
from storage import stream_position
from storage.database import AsyncDatabase, Database
from storage.objects import ObjectStore
from storage.sql import returns
from tests.integration.gateway.finishing import complete, fail
from tests.integration.notify.writing import moves, run
from tests.support import NewCustomer, a_generation, an_order, eventually

_POSITION = returns(int)("SELECT position FROM stream_positions")

_AGE = text("UPDATE events SET created_at = created_at - interval '1 hour' WHERE id <= :until")

_MANY = text("""
    INSERT INTO events (generation_id, customer_id, origin, stage, progress, data)
    SELECT id, customer_id, 'queued', 'submitting', 5, '{}' FROM generations, generate_series(1, :count)
    WHERE id = :generation_id
""")

_BREAK = text("""
    UPDATE generations SET "order" = jsonb_set("order", '{metadata}', '{"thread": [1]}') WHERE id = :generation_id
""")

_CUT = text("""
    SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND pid <> pg_backend_pid()
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


@pytest.fixture(scope="session")
def settings(stream_settings: Settings) -> Settings:
    return stream_settings


def contents(stream_redis: Redis, stream: str = STREAM) -> list[tuple[str, dict[str, str]]]:
    """The entries of the stream."""
    found: Any = stream_redis.xrange(stream)
    return list(found)


def entries(stream_redis: Redis, stream: str = STREAM) -> list[int]:
    """The events of the stream's entries."""
    return [int(entry_id.partition("-")[0]) for entry_id, _ in contents(stream_redis, stream)]


async def until_told(stream_redis: Redis, wanted: list[int], stream: str = STREAM) -> None:
    """Wait until the stream has exactly these events in this order."""
    await asyncio.to_thread(eventually, lambda: entries(stream_redis, stream), lambda found: found == wanted)


def test_stream_has_the_documents_of_all_events_in_order(
    database: Database, settings: Settings, objects: ObjectStore, stream_redis: Redis, customer: NewCustomer
) -> None:
    order = an_order().model_copy(update={"metadata": {"thread": "t-1"}, "reference": "shot-7"})
    first = a_generation(database, settings, customer, order)
    complete(database, settings, objects, first, b"picture")

    async def act(alarms: list[Alarm]) -> None:
        await until_told(stream_redis, moves(database))
        fail(database, settings, a_generation(database, settings, customer), ErrorCode.INTERNAL, "it broke")
        alarms[0].ring()
        await until_told(stream_redis, moves(database))

    run(settings, act)
    found = contents(stream_redis)
    with database.statement() as sql:
        documents = told.of_events(sql, moves(database), settings.retention)
    assert [ToldEvent.model_validate_json(each["event"]) for _, each in found] == list(documents.values())
    assert {entry: each["id"] for entry, each in found} == {f"{number}-0": str(number) for number in moves(database)}
    _, end = found[-1]
    assert (end["type"], end["customer_id"]) == ("generation.failed", str(customer.id))
    _, accepted = found[0]
    assert (accepted["type"], accepted["generation_id"]) == ("generation.accepted", str(first))
    assert json.loads(accepted["event"])["data"]["metadata"] == {"thread": "t-1"}


@pytest.mark.parametrize("lose", [Redis.flushdb, lambda stream_redis: stream_redis.delete(STREAM)])
def test_vanished_stream_gets_the_last_minutes_again(
    database: Database,
    settings: Settings,
    stream_redis: Redis,
    customer: NewCustomer,
    lose: Callable[[Redis], object],
) -> None:
    generation_id = a_generation(database, settings, customer)
    with database.transaction() as session:
        session.execute(_MANY, {"count": 3, "generation_id": generation_id})
    before = moves(database)

    async def act(_alarms: list[Alarm]) -> None:
        await until_told(stream_redis, before)
        # The first two events are too old to be told again.
        with database.transaction() as session:
            session.execute(_AGE, {"until": before[1]})
        lose(stream_redis)
        await until_told(stream_redis, before[2:])
        lose(stream_redis)
        a_generation(database, settings, customer)
        await until_told(stream_redis, moves(database)[2:])

    run(settings, act)


def test_events_of_an_outage_are_told_however_old_they_are(
    database: Database, settings: Settings, stream_redis: Redis, customer: NewCustomer
) -> None:
    a_generation(database, settings, customer)

    async def first(_alarms: list[Alarm]) -> None:
        await until_told(stream_redis, moves(database))
        await asyncio.to_thread(eventually, lambda: position(database), lambda found: found == moves(database)[-1])

    run(settings, first)
    a_generation(database, settings, customer)
    a_generation(database, settings, customer)
    with database.transaction() as session:
        session.execute(_AGE, {"until": moves(database)[-1]})
    stream_redis.flushdb()

    async def second(_alarms: list[Alarm]) -> None:
        await until_told(stream_redis, moves(database)[1:])

    run(settings, second)


def position(database: Database) -> int | None:
    with database.statement() as sql:
        return sql.first(_POSITION)


def test_redis_that_lost_the_newest_entries_gets_them_again(
    database: Database, settings: Settings, stream_redis: Redis, customer: NewCustomer
) -> None:
    for _ in range(4):
        a_generation(database, settings, customer)

    async def act(_alarms: list[Alarm]) -> None:
        await until_told(stream_redis, moves(database))
        kept = contents(stream_redis)[:2]
        with stream_redis.pipeline() as pipe:
            pipe.delete(STREAM)
            for entry_id, fields in kept:
                pipe.xadd(STREAM, {**fields}, id=entry_id)  # type: ignore[dict-item]
            pipe.execute()
        await until_told(stream_redis, moves(database))

    run(settings, act)


def test_stream_of_another_history_is_made_anew(
    database: Database, settings: Settings, stream_redis: Redis, customer: NewCustomer
) -> None:
    """The database was restored from a backup, and its next ids are smaller than those of the stream."""
    a_generation(database, settings, customer)
    stream_redis.xadd(STREAM, {"id": "1"}, id=f"{10**12}-0")

    async def act(_alarms: list[Alarm]) -> None:
        await until_told(stream_redis, moves(database))

    run(settings, act)


def test_another_process_takes_over_and_nothing_is_told_twice_or_lost(
    database: Database, settings: Settings, stream_redis: Redis, customer: NewCustomer
) -> None:
    async def act(_alarms: list[Alarm]) -> None:
        for _ in range(3):
            a_generation(database, settings, customer)
            await until_told(stream_redis, moves(database))
            with database.transaction() as session:
                assert session.execute(_CUT).scalars().all() == [True]

    run(settings, act, count=2)


def test_lost_connections_to_redis_delay_events_only(
    database: Database, settings: Settings, stream_redis: Redis, customer: NewCustomer
) -> None:
    async def act(_alarms: list[Alarm]) -> None:
        for _ in range(3):
            a_generation(database, settings, customer)
            await until_told(stream_redis, moves(database))
            stream_redis.client_kill_filter(_type="normal", skipme=True)

    run(settings, act)


def test_stream_that_vanishes_in_the_middle_of_a_round_has_no_gap(
    database: Database,
    settings: Settings,
    stream_redis: Redis,
    customer: NewCustomer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    append = Publisher._append
    lost: list[int] = []

    async def lose_first(self: Publisher, pipe: Pipeline, events: list[EventFacts]) -> None:
        if len(lost) < 3 and stream_redis.exists(STREAM):
            lost.append(stream_redis.delete(STREAM))
        await append(self, pipe, events)

    monkeypatch.setattr(Publisher, "_append", lose_first)

    async def act(_alarms: list[Alarm]) -> None:
        for _ in range(5):
            a_generation(database, settings, customer)
            await until_told(stream_redis, moves(database))

    run(settings, act)
    assert lost == [1, 1, 1]


def test_silent_process_loses_its_turn(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_position, "_SILENT_SECONDS", 0.2)

    async def act() -> None:
        other = AsyncDatabase(settings.database_url, pool_size=2)
        async with other.kept() as stopped, other.kept() as waiting:
            assert await stopped.statement(stream_position.take_turn)
            while not await waiting.statement(stream_position.take_turn):  # noqa: ASYNC110 -- the server decides
                await asyncio.sleep(0.05)
        await other.dispose()

    asyncio.run(asyncio.wait_for(act(), 60))


def test_customer_with_a_stream_of_its_own(
    database: Database, settings: Settings, stream_redis: Redis, make_customer: Callable[[int], NewCustomer]
) -> None:
    one, other = make_customer(100), make_customer(100)
    wanted = settings.stream_out.model_copy(update={"customers": [one.id]})
    settings = settings.model_copy(update={"stream_out": wanted})
    theirs = [_accepted(database, settings, one), _accepted(database, settings, one)]

    async def act(_alarms: list[Alarm]) -> None:
        _accepted(database, settings, other)
        await until_told(stream_redis, moves(database))
        await until_told(stream_redis, theirs, stream_of(one.id))
        # The stream of the customer has these entries already.
        stream_redis.delete(STREAM)
        await until_told(stream_redis, moves(database))
        await until_told(stream_redis, theirs, stream_of(one.id))
        stream_redis.flushdb()
        await until_told(stream_redis, theirs, stream_of(one.id))

    run(settings, act)
    assert not stream_redis.exists(stream_of(other.id))


def _accepted(database: Database, settings: Settings, customer: NewCustomer) -> int:
    """The event of a new generation."""
    a_generation(database, settings, customer)
    return moves(database)[-1]


def test_streams_are_bounded_by_length(
    database: Database, settings: Settings, stream_redis: Redis, customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "BATCH", 50)
    wanted = settings.stream_out.model_copy(update={"length": 100})
    _many(database, a_generation(database, settings, customer), 600)

    async def act(_alarms: list[Alarm]) -> None:
        await asyncio.to_thread(
            eventually, lambda: entries(stream_redis)[-1:], lambda found: found == moves(database)[-1:]
        )

    run(settings.model_copy(update={"stream_out": wanted}), act)
    # Redis removes whole nodes of up to 100 entries.
    assert 100 <= stream_redis.xlen(STREAM) <= 200
    assert entries(stream_redis) == moves(database)[-stream_redis.xlen(STREAM) :]


def test_streams_are_bounded_by_memory(
    database: Database, settings: Settings, stream_redis: Redis, customer: NewCustomer
) -> None:
    wanted = settings.stream_out.model_copy(update={"megabytes": 1})
    order = an_order().model_copy(update={"metadata": {f"{number}": "x" * 500 for number in range(16)}})
    _many(database, a_generation(database, settings, customer, order), 400)

    async def act(alarms: list[Alarm]) -> None:
        await asyncio.to_thread(
            eventually, lambda: entries(stream_redis)[-1:], lambda found: found == moves(database)[-1:]
        )
        a_generation(database, settings, customer)
        alarms[0].ring()
        used = await asyncio.to_thread(
            eventually, lambda: stream_redis.memory_usage(STREAM) or 0, lambda found: found <= 1.1 * 1024**2
        )
        assert used > 0.5 * 1024**2

    run(settings.model_copy(update={"stream_out": wanted}), act)


def _many(database: Database, generation_id: UUID, count: int) -> None:
    with database.transaction() as session:
        session.execute(_MANY, {"count": count, "generation_id": generation_id})


def test_lag_is_the_age_of_the_oldest_event_that_is_not_in_the_stream(
    database: Database, settings: Settings, stream_redis: Redis, customer: NewCustomer
) -> None:
    assert lag(database) is None
    a_generation(database, settings, customer)

    async def act(_alarms: list[Alarm]) -> None:
        await asyncio.to_thread(eventually, lambda: lag(database), lambda found: found is not None)

    run(settings, act)
    assert lag(database) == 0.0
    a_generation(database, settings, customer)
    a_generation(database, settings, customer)
    with database.transaction() as session:
        session.execute(_AGE, {"until": moves(database)[-2]})
    assert 3600 <= (lag(database) or 0) < 3700


def lag(database: Database) -> float | None:
    with database.statement() as sql:
        return stream_position.lag(sql)


def test_event_without_a_document_holds_no_other_event(
    database: Database, settings: Settings, stream_redis: Redis, customer: NewCustomer
) -> None:
    broken = a_generation(database, settings, customer)
    with database.transaction() as session:
        session.execute(_BREAK, {"generation_id": broken})
    a_generation(database, settings, customer)

    async def act(_alarms: list[Alarm]) -> None:
        await until_told(stream_redis, moves(database))

    run(settings, act)
    (_, short), (_, whole) = contents(stream_redis)
    event = json.loads(short["event"])
    assert event["data"] == {"generation_id": str(broken), "customer_id": str(customer.id)}
    assert (short["type"], event["type"], event["id"]) == ("generation.accepted", "generation.accepted", short["id"])
    assert ToldEvent.model_validate_json(whole["event"]).data.customer_id == customer.id


@pytest.mark.parametrize("is_all", [False, True])
def test_entries_are_removed_after_some_days(
    database: Database, settings: Settings, stream_redis: Redis, customer: NewCustomer, is_all: bool
) -> None:
    wanted = settings.stream_out.model_copy(update={"days": 1 / 48, "customers": [customer.id]})
    settings = settings.model_copy(update={"stream_out": wanted})
    ids = [_accepted(database, settings, customer) for _ in range(3)]

    async def append(_alarms: list[Alarm]) -> None:
        await until_told(stream_redis, ids)

    run(settings, append)
    with database.transaction() as session:
        session.execute(_AGE, {"until": ids[-1] if is_all else ids[1]})
    left = [] if is_all else ids[2:]

    async def expire(alarms: list[Alarm]) -> None:
        await until_told(stream_redis, left)
        await until_told(stream_redis, left, stream_of(customer.id))
        new = _accepted(database, settings, customer)
        alarms[0].ring()
        await until_told(stream_redis, [*left, new])

    run(settings, expire)
