"""Every fault test ends with the audit. In these tests, the audit must find exactly the faults made on purpose."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from schemas.enums import Stage
from schemas.setting_groups import RetentionSettings
from schemas.stages import TERMINAL
from storage.audit import Breach, Report, audit, audit_online
from storage.database import Database
from tests.integration.tasks.conftest import Life, Lives
from tests.support import EMPTY


def breaches(life: Life) -> list[Breach]:
    return audit(life.database, life.worker.objects).breaches


def online(life: Life, *, minutes: float = 15) -> list[Breach]:
    return audit_online(life.database, window=timedelta(minutes=minutes)).breaches


@contextmanager
def unguarded(database: Database, table: str, name: str) -> Iterator[None]:
    """Drop one constraint of the database. The end of the block removes all rows and restores the constraint."""
    find_index = text("SELECT pg_get_indexdef(oid) FROM pg_class WHERE relname = :name AND relkind = 'i'")
    find_constraint = text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name")
    with database.transaction() as session:
        make = session.execute(find_index, {"name": name}).scalar_one_or_none()
        if make is None:
            definition = session.execute(find_constraint, {"name": name}).scalar_one()
            make = f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
            session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        else:
            session.execute(text(f"DROP INDEX {name}"))
    try:
        yield
    finally:
        with database.transaction() as session:
            session.execute(text(EMPTY))
            session.execute(text(make))


def change(life: Life, *statements: str) -> None:
    """Run SQL that breaks a rule. `unguarded` drops the constraint that would refuse the SQL."""
    with life.database.transaction() as session:
        for statement in statements:
            session.execute(text(statement), {"id": life.id})


def test_audit_of_a_completed_generation_finds_no_breach(lives: Lives) -> None:
    life = lives.begin()
    for stage in (Stage.GENERATING, Stage.STORING, Stage.COMPLETED):
        life.go(until=frozenset({stage}))
        assert breaches(life) == online(life) == []
    report = audit(life.database, life.worker.objects)
    assert (report.generations, report.objects) == (1, 1)


def test_audit_finds_a_generation_past_its_deadline(lives: Lives) -> None:
    life = lives.begin()
    life.set("deadline_at = now() - interval '1 hour'")
    assert [(breach.rule, breach.subject) for breach in breaches(life)] == [(1, str(life.id))]
    assert online(life) == breaches(life)


def test_audit_finds_a_due_generation_that_no_worker_claims(lives: Lives) -> None:
    life = lives.begin()
    life.claim()
    life.set("wake_at = now() - interval '9 minutes'")
    assert breaches(life) == []
    life.set("wake_at = now() - interval '11 minutes'")
    assert breaches(life) == [], "a worker has it"
    life.set("lease_until = now() - interval '1 second'")
    (breach,) = breaches(life)
    assert (breach.rule, breach.subject) == (1, str(life.id))
    assert breach.problem.startswith("stuck in queued, due since ")
    assert online(life) == [breach]


def test_audit_finds_a_generation_without_a_next_look(lives: Lives) -> None:
    life = lives.begin()
    with unguarded(life.database, "generations", "wake_at_until_terminal"):
        life.set("wake_at = NULL")
        found = breaches(life)
    assert Breach(1, str(life.id), "queued with wake_at null and finished_at null") in found
    assert Breach(2, "schema", "wake_at_until_terminal is not there, or not valid") in found


def test_audit_finds_a_stuck_settlement(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.SETTLING}))
    life.set("deadline_at = now() - interval '1 hour'")
    assert breaches(life) == []
    life.set("stage_at = now() - interval '1 hour'")
    assert [(breach.rule, breach.subject) for breach in breaches(life)] == [(1, str(life.id))]


def without_capture(life: Life) -> None:
    change(life, "DELETE FROM ledger_transfers WHERE generation_id = :id AND kind = 'capture'")


def without_hold(life: Life) -> None:
    change(life, "DELETE FROM ledger_transfers WHERE generation_id = :id AND kind = 'hold'")


def with_a_release_too(life: Life) -> None:
    change(
        life,
        """
        INSERT INTO ledger_transfers (kind, customer_id, from_account_id, to_account_id, amount, generation_id)
        SELECT 'release', customer_id, to_account_id, from_account_id, amount, generation_id
        FROM ledger_transfers WHERE generation_id = :id AND kind = 'hold'
        """,
    )


@pytest.mark.parametrize("breaking", [without_capture, without_hold])
def test_audit_finds_wrong_transfers_of_a_completed_generation(lives: Lives, breaking: Callable[[Life], None]) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    breaking(life)
    found = breaches(life)
    assert str(life.id) in {breach.subject for breach in found}
    assert {breach.rule for breach in found} == {2}
    assert str(life.id) in {breach.subject for breach in online(life)}


def test_audit_finds_a_hold_that_ended_twice_and_the_missing_constraint(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    price = life.row.credits
    with unguarded(life.database, "ledger_transfers", "uq_ledger_transfers_settlement"):
        with_a_release_too(life)
        found = breaches(life)
        assert set(online(life)) <= set(found)
    moved = f"completed with hold {price}, capture {price}, release {price} in 2 settlements for {price} credits"
    assert Breach(2, str(life.id), moved) in found
    assert Breach(2, "schema", "uq_ledger_transfers_settlement is not there, or not valid") in found
    assert breaches(life) == []


def test_audit_finds_a_failed_generation_with_a_hold(lives: Lives) -> None:
    life = lives.begin(outcome="fail")
    life.go(until=TERMINAL)
    assert breaches(life) == []
    change(life, "DELETE FROM ledger_transfers WHERE generation_id = :id AND kind = 'release'")
    assert str(life.id) in {breach.subject for breach in breaches(life)}


def cancelled(life: Life) -> None:
    life.set("stage = 'cancelled', wake_at = NULL, finished_at = now(), lease_token = NULL")


def test_audit_finds_a_cancelled_generation_with_a_hold(lives: Lives) -> None:
    life = lives.begin()
    price = life.row.credits
    cancelled(life)
    moved = f"cancelled with hold {price}, capture 0, release 0 in 0 settlements for {price} credits"
    held = f"holds {price} credits, but unfinished generations hold 0"
    assert breaches(life) == online(life)
    assert breaches(life) == [Breach(2, str(life.id), moved), Breach(2, f"customer {life.customer.id}", held)]


def test_audit_accepts_a_charge_for_cancelled_work_that_began(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    cancelled(life)
    assert breaches(life) == [Breach(2, str(life.id), "cancelled and charged, but nobody cancelled it")]
    assert online(life) == breaches(life)
    life.set("cancel_requested_at = now()")
    assert breaches(life) == online(life) == []
    life.set("remote_id = NULL")
    assert breaches(life) == [Breach(2, str(life.id), "cancelled and charged, but the provider never had it")]


def test_audit_finds_held_credits_without_a_generation(lives: Lives) -> None:
    life = lives.begin()
    price = life.row.credits
    change(
        life,
        """
        UPDATE ledger_accounts SET balance = balance + 1 WHERE kind = 'held'
          AND customer_id = (SELECT customer_id FROM generations WHERE id = :id)
        """,
    )
    problem = f"holds {price + 1} credits, but unfinished generations hold {price}"
    assert online(life) == [Breach(2, f"customer {life.customer.id}", problem)]
    assert online(life)[0] in breaches(life)


def test_audit_finds_a_balance_that_differs_from_its_transfers(lives: Lives) -> None:
    life = lives.begin()
    change(
        life,
        """
        UPDATE ledger_accounts SET balance = balance + 1 WHERE kind = 'available'
          AND customer_id = (SELECT customer_id FROM generations WHERE id = :id)
        """,
    )
    found = breaches(life)
    assert {breach.rule for breach in found} == {2}
    assert "ledger" in {breach.subject for breach in found}
    assert any(breach.subject.startswith("account ") for breach in found)


def test_audit_finds_a_completed_generation_without_an_asset(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    change(life, "DELETE FROM assets WHERE generation_id = :id")
    assert breaches(life) == [Breach(2, str(life.id), "completed without a stored result")]
    assert online(life) == breaches(life)


def test_online_audit_skips_generations_that_finished_before_the_window(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    change(life, "DELETE FROM assets WHERE generation_id = :id")
    life.set("finished_at = finished_at - interval '20 minutes'")
    assert online(life) == []
    assert len(online(life, minutes=30)) == 1


def report(life: Life, **retention: float) -> Report:
    settings = RetentionSettings().model_copy(update=retention)
    return audit(life.database, life.worker.objects, settings)


def test_audit_counts_orphans_and_reports_old_orphans_as_a_breach(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    key = f"customers/{life.customer.id}/assets/image/orphan.png"
    life.worker.objects.put_bytes(key, b"orphan", content_type="image/png")
    young = report(life)
    assert (young.objects, young.orphans, young.orphan_bytes, young.breaches) == (1, 1, len(b"orphan"), [])
    (breach,) = report(life, orphan_hours=-1).breaches
    assert (breach.rule, breach.subject) == (2, "object store")
    assert breach.problem.startswith("1 objects belong to nothing for more than ")


def test_audit_accepts_missing_files_that_expire_before_or_during_the_audit(lives: Lives) -> None:
    lives_of_two = [lives.begin(), lives.begin()]
    for life in lives_of_two:
        life.go(until=TERMINAL)

    def expire(_done: int, _total: int) -> None:
        for life in lives_of_two:
            change(life, "UPDATE assets SET expired_at = now() WHERE generation_id = :id")
            life.worker.objects.remove(life.assets[0].object_key)

    database, objects = lives_of_two[0].database, lives_of_two[0].worker.objects
    during = audit(database, objects, on_object=expire)
    assert (during.objects, during.breaches) == (2, [])
    after = audit(database, objects)
    assert (after.objects, after.breaches) == (0, [])


@pytest.mark.parametrize(
    ("body", "problem"),
    [(None, "is not in the store"), (b"short", "has 5 bytes"), ("same length", "does not match its SHA-256")],
)
def test_audit_finds_missing_or_changed_bytes(lives: Lives, body: bytes | str | None, problem: str) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    (asset,) = life.assets
    if body is None:
        life.worker.objects.remove(asset.object_key)
    else:
        changed = bytes(asset.size_bytes) if isinstance(body, str) else body
        life.worker.objects.put_bytes(asset.object_key, changed, content_type="image/png")
    (breach,) = breaches(life)
    assert (breach.rule, breach.subject) == (2, str(life.id))
    assert problem in breach.problem


def test_audit_finds_a_second_accepted_create(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    change(
        life,
        """
        INSERT INTO events (generation_id, origin, stage, data)
        SELECT generation_id, origin, stage, data FROM events WHERE generation_id = :id AND stage = 'generating'
        """,
    )
    assert breaches(life) == online(life) == [Breach(3, str(life.id), "2 accepted creates on route 0")]


def test_audit_counts_an_adopted_create_once(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    change(
        life,
        """
        INSERT INTO events (generation_id, origin, stage, name, data)
        SELECT generation_id, stage, stage, 'submit_adopted', data
        FROM events WHERE generation_id = :id AND stage = 'generating'
        """,
    )
    assert breaches(life) == online(life) == []


def test_audit_finds_one_remote_id_on_two_generations(lives: Lives) -> None:
    first, second = lives.begin(seconds=3600), lives.begin(seconds=3600)
    first.step()
    second.step()
    second.set(f"remote_id = '{first.row.remote_id}'")
    (breach,) = breaches(second)
    assert (breach.rule, breach.subject) == (3, f"kie {first.row.remote_id}")


def test_online_audit_finds_one_remote_id_on_two_generations(lives: Lives) -> None:
    first, second = lives.begin(), lives.begin()
    for life in (first, second):
        life.go(until=TERMINAL)
    second.set(f"remote_id = '{first.row.remote_id}'")
    assert breaches(second) == online(second) == [Breach(3, f"kie {first.row.remote_id}", "serves 2 generations")]
