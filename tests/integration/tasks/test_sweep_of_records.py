"""The sweep of the spending of API keys, of shares, and of the records of admission."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from schemas.enums import SweepKind
from schemas.limits import AccountLimits, CreateRate, FamilyLimits
from schemas.setting_groups import RetentionSettings
from schemas.settings import Settings
from storage import admission, drains
from storage.database import Database
from storage.objects import ObjectStore
from storage.sweeps import base, sweep
from tests.integration.admission.conftest import Account
from tests.support import a_generation, a_share, new_customer

SPEND = text("""
    INSERT INTO key_spending (key_id, day, credits)
    SELECT :key_id, (now() AT TIME ZONE 'utc')::date - age, age FROM unnest(CAST(:ages AS int[])) AS age
""")
END = text("UPDATE shares SET expires_at = now() - make_interval(days => :days) WHERE id = :id")
SILENT = text("""
    UPDATE worker_processes SET seen_at = seen_at - make_interval(secs => :seconds) WHERE node SIMILAR TO :pattern
""")
REVOKE = text("UPDATE shares SET revoked_at = now() - make_interval(days => :days) WHERE id = :id")


def counts(database: Database, objects: ObjectStore, kind: SweepKind, retention: RetentionSettings) -> list[int]:
    """The counts of a dry run, of a sweep, and of a second sweep."""
    return [
        one.total.count
        for is_dry in (True, False, False)
        for one in sweep(database, objects, retention, kinds=[kind], is_dry=is_dry)
    ]


def test_spending_of_keys_is_removed_after_its_retention(
    database: Database, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "SLICE", 2)
    with database.transaction() as session:
        session.execute(SPEND, {"key_id": uuid4(), "ages": [0, 1, 39, 41, 42, 43]})

    def left() -> list[int]:
        with database.transaction() as session:
            return list(session.execute(text("SELECT credits FROM key_spending ORDER BY day DESC")).scalars())

    assert counts(database, objects, SweepKind.SPENDING, RetentionSettings()) == [3, 3, 0]
    assert left() == [0, 1, 39]
    assert counts(database, objects, SweepKind.SPENDING, RetentionSettings(key_spending_days=0.001))[1] >= 1
    assert left()[:1] == [0], "a cap needs the spending of today"


def test_shares_are_removed_after_their_retention(
    database: Database, settings: Settings, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "SLICE", 2)
    generation_id = a_generation(database, settings, new_customer(database, 100))
    working, ended, revoked, *old = (a_share(database, generation_id) for _ in range(6))
    with database.transaction() as session:
        session.execute(END, {"id": ended, "days": 89})
        session.execute(REVOKE, {"id": revoked, "days": 89})
        for share_id, change in zip(old, (END, REVOKE, END), strict=True):
            session.execute(change, {"id": share_id, "days": 91})

    assert counts(database, objects, SweepKind.SHARES, RetentionSettings()) == [3, 3, 0]
    with database.transaction() as session:
        assert set(session.execute(text("SELECT id FROM shares")).scalars()) == {working, ended, revoked}


def test_creates_at_accounts_are_removed_once_no_window_counts_them(
    database: Database, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "SLICE", 2)
    a_week = AccountLimits.model_validate({"creates": [{"most": 9, "seconds": 10}, {"most": 9, "seconds": 7 * 86_400}]})
    family = FamilyLimits(models=["a*"], creates=[CreateRate(most=9, seconds=3 * 86_400)])
    limits = {"by-week": a_week, "by-family": AccountLimits(families={"a": family})}
    with database.statement() as sql:
        admission.declare(sql, limits)
    with database.transaction() as session:
        session.execute(
            text("""
                INSERT INTO admission_creates (provider, pool, at)
                SELECT provider, '', now() - make_interval(days => days, mins => 5)
                FROM unnest(ARRAY['by-week', 'by-family', 'without-limits']) AS provider,
                     unnest(ARRAY[0, 1, 3, 7]) AS days
            """)
        )
        # No generation has the place of this one.
        session.execute(text("INSERT INTO admission_creates (provider, pool, at) VALUES ('by-week', '', 'infinity')"))

    assert counts(database, objects, SweepKind.ADMISSION, RetentionSettings()) == [7, 7, 0]
    with database.transaction() as session:
        kept = session.execute(text("SELECT provider, count(*) FROM admission_creates GROUP BY 1")).all()
    assert dict(tuple(row) for row in kept) == {"by-week": 3, "by-family": 2, "without-limits": 1}


def test_turns_of_customers_are_removed_a_day_after_their_last_order_unless_work_waits(
    database: Database, settings: Settings, objects: ObjectStore
) -> None:
    account = Account(database, settings)
    account.limit(in_flight=1)
    idle, waiting, recent = (account.customer() for _ in range(3))
    account.asks(idle)
    for customer in (waiting, recent):
        assert not account.asks(customer).has_place
    account.run(
        "UPDATE admission_shares SET used_at = now() - interval '25 hours' WHERE customer_id <> :id", id=recent.id
    )

    assert counts(database, objects, SweepKind.ADMISSION, RetentionSettings()) == [2, 2, 0]
    with database.transaction() as session:
        kept = session.execute(text("SELECT DISTINCT customer_id FROM admission_shares")).scalars()
        assert set(kept) == {waiting.id, recent.id}


def test_killed_processes_are_forgotten_after_an_hour(
    database: Database, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "SLICE", 2)
    for number in range(5):
        with database.statement() as sql:
            drains.report(sql, f"provider@host-{number}", 1, in_hand=1, is_drained=False)
    with database.transaction() as session:
        session.execute(SILENT, {"seconds": 3_500, "pattern": "%"})
        session.execute(SILENT, {"seconds": 200, "pattern": "%@host-[0-2]"})

    def known() -> list[str]:
        with database.statement() as sql:
            return [one.node for one in drains.processes(sql)]

    left = ["provider@host-3", "provider@host-4"]
    assert known() == left, "nothing waits for the sweep"
    assert counts(database, objects, SweepKind.PROCESSES, RetentionSettings()) == [3, 3, 0]
    assert known() == left
