"""The figures of the whole system are those of the database, and one process at a time shows them."""

import asyncio
from collections.abc import Mapping

import pytest
from sqlalchemy import text

from metrics import families
from metrics.instruments import Gauge, Values
from metrics.labels import MODEL, PROVIDER
from metrics.shown import Shown
from schemas.enums import ErrorCode
from schemas.limits import AccountLimits
from schemas.metrics_settings import MetricsSettings
from schemas.settings import Settings
from storage import admission, figures, turns
from storage.database import AsyncDatabase, Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import claim, complete, fail
from tests.support import NewCustomer, a_generation, a_video, an_order, new_customer
from workers import figures as part
from workers.notify_process import cancelled


@pytest.fixture(autouse=True)
def _known() -> None:
    PROVIDER.learn(["kie"])
    MODEL.learn(["nano-banana", "veo-3-fast"])


@pytest.fixture
def customer(database: Database) -> NewCustomer:
    return new_customer(database, 1000)


def read(database: Database) -> dict[Gauge, dict[Values, float]]:
    with database.statement() as sql:
        return {**figures.read(sql, has_stream=True), **figures.read_ledger(sql)}


def run(database: Database, statement: str) -> None:
    with database.transaction() as session:
        session.execute(text(statement))


def test_an_empty_system_has_zeros_where_work_may_stand(database: Database) -> None:
    found = read(database)

    assert found[families.GENERATIONS] == {}
    stages = {("queued",), ("submitting",), ("generating",), ("downloading",), ("storing",), ("settling",)}
    assert found[families.RUNNABLE] == dict.fromkeys(stages, 0.0)
    assert set(found[families.OLDEST_SECONDS]) == stages
    assert found[families.LEDGER_CREDITS] == found[families.HELD_CREDITS] == found[families.HOLDS] == {(): 0.0}
    assert families.STREAM_LAG_SECONDS not in found


def test_generations_are_counted_by_all_that_an_operator_asks_for(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    for _ in range(2):
        a_generation(database, settings, customer)
    a_generation(database, settings, customer, a_video())
    complete(database, settings, objects, a_generation(database, settings, customer), b"a picture")
    fail(database, settings, a_generation(database, settings, customer), ErrorCode.TIMEOUT, "late")
    claim(database, settings, a_generation(database, settings, customer, an_order(price=0)))
    run(database, "UPDATE generations SET wake_at = now() - interval '50 s' WHERE kind = 'video'")
    run(database, "UPDATE generations SET created_at = created_at - interval '1 h' WHERE kind = 'video'")

    found = read(database)

    assert found[families.GENERATIONS] == {("queued", "nano-banana", "kie"): 3.0, ("queued", "veo-3-fast", "kie"): 1.0}
    assert found[families.ENDED_HOUR] == {
        ("completed", "none", "nano-banana", "kie"): 1.0,
        ("failed", "timed_out", "nano-banana", "kie"): 1.0,
    }
    assert found[families.OLDEST_SECONDS][("queued",)] == pytest.approx(3600, abs=60)
    assert found[families.RUNNABLE][("queued",)] == 1
    assert found[families.RUNNABLE_OLDEST_SECONDS][("queued",)] == pytest.approx(50, abs=40)
    assert found[families.CLAIMED][("queued",)] == 1
    assert found[families.HOLDS] == {(): 3.0}
    assert found[families.HOLDS_CREDITS] == found[families.HELD_CREDITS] == {(): 30.0}
    assert found[families.LEDGER_CREDITS] == {(): 0.0}


def test_a_ledger_that_disagrees_is_seen(database: Database, customer: NewCustomer) -> None:
    run(
        database,
        f"UPDATE ledger_accounts SET balance = balance + 7 WHERE customer_id = '{customer.id}' AND kind = 'held'",
    )

    found = read(database)

    assert found[families.LEDGER_CREDITS] == found[families.HELD_CREDITS] == {(): 7.0}
    assert found[families.HOLDS_CREDITS] == {(): 0.0}


def test_accounts_are_shown_with_their_limits(database: Database) -> None:
    with database.statement() as sql:
        admission.declare(sql, {"kie": AccountLimits(in_flight=3)})
    run(database, "UPDATE admission_accounts SET closed_until = now() + interval '100 s'")
    run(database, "INSERT INTO admission_pauses (scope, name) VALUES ('model', 'veo-3-fast')")

    found = read(database)

    assert found[families.ACCOUNT_LIMIT] == {("kie",): 3.0}
    assert found[families.ACCOUNT_CLOSED_SECONDS][("kie",)] == pytest.approx(100, abs=60)
    assert found[families.PAUSES] == {(): 1.0}


def test_one_process_at_a_time_shows_the_figures(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "_ASK_SECONDS", 0.05)
    quick = settings.model_copy(update={"metrics": MetricsSettings(figures_seconds=30)})

    async def act() -> None:
        databases = [AsyncDatabase(settings.database_url, pool_size=2) for _ in range(2)]
        shown = [Shown(), Shown()]
        processes = [
            asyncio.create_task(part.show_figures(quick, each, one)) for each, one in zip(databases, shown, strict=True)
        ]
        try:
            first = await _the_one_that_shows(shown)
            processes[first].cancel()
            await asyncio.gather(processes[first], return_exceptions=True)
            assert await _the_one_that_shows(shown) == 1 - first
        finally:
            await cancelled(processes)
            for each in databases:
                await each.dispose()

    asyncio.run(act())


async def _the_one_that_shows(shown: list[Shown]) -> int:
    """The process that shows figures. There is never a second one."""
    while True:
        showing = [index for index, one in enumerate(shown) if list(one.collect())]
        assert len(showing) <= 1
        if showing:
            return showing[0]
        await asyncio.sleep(0.02)


def test_old_figures_vanish() -> None:
    shown = Shown()
    series: Mapping[Values, float] = {(): 1.0}

    shown.show({families.HOLDS: series}, took_seconds=0.1, for_seconds=60)
    names = [family.name for family in shown.collect()]
    shown.show({families.HOLDS: series}, took_seconds=0.1, for_seconds=0)

    assert names == ["reelworks_holds", "reelworks_figures_timestamp_seconds", "reelworks_figures_read_seconds"]
    assert list(shown.collect()) == []


def test_a_turn_belongs_to_one_connection(database: Database) -> None:
    with database.statement() as one, database.statement() as other:
        assert turns.take(one, "a test", silent_seconds=30)
        assert not turns.take(other, "a test", silent_seconds=30)
        assert turns.take(other, "another test", silent_seconds=30)
        one.run("SELECT pg_advisory_unlock_all()")
        assert turns.take(other, "a test", silent_seconds=30)
        for each in (one, other):
            each.run("SELECT pg_advisory_unlock_all()")
            each.run("RESET idle_session_timeout")
