"""`reelworks restored` refuses wrong times and locked rows, counts creates as sent, and keeps orders in Redis."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from redis import Redis
from sqlalchemy import text

from intake.redis import keys
from schemas.enums import Queue
from schemas.settings import Settings
from storage import database as databases
from storage import drains, generations
from storage.admission_control import Reason
from storage.database import Database
from tests.integration.admission.conftest import Account
from tests.integration.command import Reelworks
from tests.support import NewCustomer, a_generation


@pytest.fixture(autouse=True)
def _listens_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.heartbeats._LISTEN_SECONDS", 0.1)


def now(database: Database) -> datetime:
    with database.transaction() as session:
        return generations.database_now(session)


def run(database: Database, *statements: str) -> None:
    with database.transaction() as session:
        for one in statements:
            session.execute(text(one))


def count(database: Database, question: str) -> int:
    with database.transaction() as session:
        return int(session.execute(text(question)).scalar_one())


HOUR = timedelta(hours=1)


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_refuses_a_backup_of_the_future(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer, flags: tuple[str, ...]
) -> None:
    a_generation(database, settings, customer)
    deadlines = "SELECT count(*) FROM generations WHERE deadline_at > clock_timestamp() AND stage = 'queued'"
    before = count(database, deadlines)

    ended = reelworks("restored", "--at", (now(database) + HOUR).isoformat(), *flags)

    assert (ended.status, count(database, deadlines)) == (2, before)
    assert "--at is later than now" in ended.err


@pytest.mark.parametrize("late", [-HOUR, HOUR])
def test_refuses_an_end_of_the_workers_before_the_backup_or_after_now(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer, late: timedelta
) -> None:
    a_generation(database, settings, customer)
    at = now(database)

    ended = reelworks("restored", "--at", at.isoformat(), "--stopped", (at + late).isoformat())

    assert ended.status == 2
    assert "--stopped must be between --at and now" in ended.err


def test_granted_creates_count_in_the_windows_as_sent(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    account = Account(database, settings, "kie")
    account.limit(in_flight=10, creates=[{"most": 5, "seconds": 60}])
    assert account.asks(customer).has_place
    unsent = "SELECT count(*) FROM admission_creates WHERE at = 'infinity'"
    assert count(database, unsent) == 1

    assert reelworks("restored", "--at", now(database).isoformat()).status == 0

    assert count(database, unsent) == 0
    assert count(database, "SELECT count(*) FROM admission_creates WHERE at <= clock_timestamp()") == 1


@pytest.fixture
def _slow_rows(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each row takes longer than a statement of a step may take."""
    options = "-c timezone=utc -c statement_timeout=3s"
    monkeypatch.setitem(databases._ENGINE_OPTIONS["connect_args"], "options", options)
    run(
        database,
        "CREATE FUNCTION slow_row() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(3.5); RETURN NEW; END $$",
        "CREATE TRIGGER slow_row BEFORE UPDATE ON generations FOR EACH ROW EXECUTE FUNCTION slow_row()",
    )
    yield
    run(database, "DROP TRIGGER slow_row ON generations", "DROP FUNCTION slow_row")


@pytest.mark.usefixtures("_slow_rows")
@pytest.mark.slow
def test_a_large_queue_takes_its_time(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    a_generation(database, settings, customer)

    ended = reelworks("restored", "--at", now(database).isoformat())

    assert ended.status == 0, ended.err


def test_names_another_session_that_holds_the_rows(
    reelworks: Reelworks,
    database: Database,
    settings: Settings,
    customer: NewCustomer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("storage.restoring._UNHURRIED", "SET LOCAL lock_timeout = '200ms'")
    a_generation(database, settings, customer)
    at = now(database).isoformat()

    with database.transaction() as session:
        session.execute(text("SELECT FROM generations FOR UPDATE"))
        ended = reelworks("restored", "--at", at)

    assert ended.status == 2
    assert "another session works in the database" in ended.err


def test_names_the_drains_that_came_back(reelworks: Reelworks, database: Database) -> None:
    with database.statement() as sql:
        drains.drain(sql, "provider@there", [], Reason("ann", "a disk"))
    at = now(database).isoformat()

    shown = json.loads(reelworks("restored", "--at", at, "--dry-run", "--json").out)
    told = reelworks("restored", "--at", at).out

    assert [one["target"] for one in shown["drains"]] == ["provider@there"]
    assert "in force: the drain of provider@there by ann since" in told
    assert ": a disk. `reelworks undrain` ends it" in told


def ours(redis: Redis) -> set[str]:
    """The keys, without those of Celery's transport."""
    return {str(key) for key in redis.scan_iter() if not str(key).startswith("_kombu")}


def test_redis_keeps_orders_and_loses_the_rest(
    reelworks: Reelworks, database: Database, stream_settings: Settings, stream_redis: Redis
) -> None:
    kept = [keys.REQUESTS, keys.of_priority(keys.REQUESTS, 3), keys.TAKEN + "door@host-1", keys.DEAD]
    stale = [queue.value for queue in Queue if queue is not Queue.REQUESTS]
    for name in [*kept, *stale, keys.of_priority("submit", 6), "of-another-application"]:
        stream_redis.lpush(name, "a message")
    for name in ("reelworks:events", "reelworks:events:a-customer"):
        stream_redis.xadd(name, {"data": "an event"})
    stream_redis.set(keys.ANSWERED + "an-id", "an answer")
    at, url = now(database).isoformat(), stream_settings.redis_url

    before = ours(stream_redis)
    assert reelworks("restored", "--at", at, "--dry-run", REELWORKS_REDIS_URL=url).status == 0
    assert ours(stream_redis) == before

    ended = reelworks("restored", "--at", at, REELWORKS_REDIS_URL=url)
    assert (ended.status, ended.err) == (0, "")
    assert ours(stream_redis) == {*kept, "of-another-application"}
