"""`reelworks restored`: what a restored database is told before its workers start."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from schemas.enums import Stage
from schemas.limits import AccountLimits
from schemas.settings import Settings
from schemas.tables import Generation
from storage import admission, claims, generations, stream_position, transitions
from storage.audit.rows import EVERYTHING, check
from storage.changes import Changes
from storage.database import Database
from storage.sql import of
from tests.integration.command import Reelworks
from tests.support import NewCustomer, a_generation, an_order, some_claim


@pytest.fixture(autouse=True)
def _listens_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs here: nothing to listen for."""
    monkeypatch.setattr("cli.heartbeats._LISTEN_SECONDS", 0.1)


def at_stage(database: Database, generation_id: UUID, stages: Iterable[Stage]) -> None:
    """Walk a generation through stages, under a claim that stays."""
    with database.transaction() as session:
        held = some_claim(claims.claim(of(session), generation_id, list(Stage), attempt=0, lease_seconds=60))
        for stage in stages:
            changes = Changes(remote_id=f"remote-{held.id}" if stage is Stage.GENERATING else None)
            held = transitions.move(of(session), held, stage, wake_in=60, keeps_lease=True, changes=changes)


def rows(database: Database) -> dict[UUID, Generation]:
    with database.transaction() as session:
        return {row.id: row for row in session.exec(select(Generation)).all()}


@pytest.fixture
def unfinished(database: Database, settings: Settings, customer: NewCustomer) -> dict[str, UUID]:
    """A generation of each kind that a backup may hold. The account has limits."""
    with database.statements() as sql:
        admission.declare(sql, {"kie": AccountLimits(in_flight=10)})
        admission.count_all(sql)
    later = an_order().model_copy(update={"not_before": datetime.now(UTC) + timedelta(hours=1)})
    made = {name: a_generation(database, settings, customer) for name in ("queued", "submitting", "generating")}
    at_stage(database, made["submitting"], [Stage.SUBMITTING])
    at_stage(database, made["generating"], [Stage.SUBMITTING, Stage.GENERATING])
    return {**made, "scheduled": a_generation(database, settings, customer, later)}


def now(database: Database) -> str:
    with database.transaction() as session:
        return generations.database_now(session).isoformat()


def test_queued_generations_count_as_sent(
    reelworks: Reelworks, database: Database, unfinished: dict[str, UUID]
) -> None:
    before, at = rows(database), now(database)

    counted = json.loads(reelworks("restored", "--at", at, "--dry-run", "--json").out)
    assert counted["doubted"] == {"kie": 1}
    assert counted["scheduled"] == 1
    assert counted["continuing"] == {"generating": 1, "submitting": 1}
    assert rows(database) == before

    ended = reelworks("restored", "--at", at, "--reason", "a test")
    assert ended.status == 0, ended.err
    told = ended.out
    assert "1 queued generations may have been sent after the backup" in told

    after = {name: rows(database)[made] for name, made in unfinished.items()}
    assert {name: row.stage for name, row in after.items()} == {
        "queued": Stage.SUBMITTING,
        "submitting": Stage.SUBMITTING,
        "generating": Stage.GENERATING,
        "scheduled": Stage.QUEUED,
    }
    assert all(row.lease_token is None for row in after.values())
    assert after["generating"].deadline_at > before[unfinished["generating"]].deadline_at
    assert after["queued"].submission is not None
    assert check(database, EVERYTHING).breaches == []
    history = json.loads(reelworks("limits", "history", "--json").out)
    assert [(one["action"], one["scope"], one["reason"]) for one in history] == [("restore", "database", "a test")]


def test_later_events_have_other_ids(
    reelworks: Reelworks, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    a_generation(database, settings, customer)
    with database.statement() as sql:
        before = stream_position.newest(sql)

    reelworks("restored", "--at", now(database))

    with database.statement() as sql:
        assert stream_position.newest(sql) > before + 1_000_000


@pytest.mark.usefixtures("unfinished")
def test_refuses_a_database_that_has_worked_since(reelworks: Reelworks) -> None:
    ended = reelworks("restored", "--at", "2026-01-01T00:00:00Z")

    assert ended.status == 2
    assert "which is after --at" in ended.err


def test_refuses_a_time_without_zone(reelworks: Reelworks) -> None:
    ended = reelworks("restored", "--at", "2026-01-01T00:00:00")

    assert ended.status == 2
    assert "must be a time with its zone" in ended.err
