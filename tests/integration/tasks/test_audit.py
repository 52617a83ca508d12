"""Every fault test ends with the audit: here it must find what was broken on purpose, and nothing else."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from schemas.enums import EventName, Stage
from schemas.stages import TERMINAL
from storage import generations, timeline
from storage.audit import Breach, audit
from tests.integration.tasks.conftest import Life, Lives


def breaches(life: Life) -> list[Breach]:
    return audit(life.database, life.worker.objects).breaches


def change(life: Life, *statements: str) -> None:
    """Break the books as no code of ours can: without the database's constraints where they would refuse."""
    with life.database.transaction() as session:
        for statement in statements:
            session.execute(text(statement), {"id": life.id})


def test_a_whole_life_is_in_order(lives: Lives) -> None:
    life = lives.begin()
    for stage in (Stage.GENERATING, Stage.STORING, Stage.COMPLETED):
        life.go(until=frozenset({stage}))
        assert breaches(life) == []
    report = audit(life.database, life.worker.objects)
    assert (report.generations, report.objects) == (1, 1)


def test_a_forgotten_generation_is_found(lives: Lives) -> None:
    life = lives.begin()
    life.set("deadline_at = now() - interval '1 hour'")
    assert [(breach.rule, breach.subject) for breach in breaches(life)] == [(1, str(life.id))]


def test_a_settlement_that_hangs_is_found(lives: Lives) -> None:
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


@pytest.mark.parametrize("breaking", [without_capture, without_hold, with_a_release_too])
def test_a_completed_generation_with_the_wrong_transfers_is_found(
    lives: Lives, breaking: Callable[[Life], None]
) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    breaking(life)
    found = breaches(life)
    assert str(life.id) in {breach.subject for breach in found}
    assert {breach.rule for breach in found} == {2}


def test_a_failed_generation_that_still_holds_credits_is_found(lives: Lives) -> None:
    life = lives.begin(outcome="fail")
    life.go(until=TERMINAL)
    assert breaches(life) == []
    change(life, "DELETE FROM ledger_transfers WHERE generation_id = :id AND kind = 'release'")
    assert str(life.id) in {breach.subject for breach in breaches(life)}


@pytest.mark.parametrize("is_charged", [True, False])
def test_a_cancelled_generation_may_be_charged_and_holds_nothing(lives: Lives, is_charged: bool) -> None:
    life = lives.begin(seconds=3600)
    life.go(until=frozenset({Stage.GENERATING}))
    claim = life.claim()
    with life.database.transaction() as session:
        generations.cancel(session, claim, is_charged=is_charged, event={})
    assert breaches(life) == []
    change(life, "DELETE FROM ledger_transfers WHERE generation_id = :id AND kind IN ('capture', 'release')")
    assert str(life.id) in {breach.subject for breach in breaches(life)}


def test_a_balance_that_is_not_the_sum_of_its_transfers_is_found(lives: Lives) -> None:
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


def test_a_completed_generation_without_its_asset_is_found(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    change(life, "DELETE FROM assets WHERE generation_id = :id")
    assert breaches(life) == [Breach(2, str(life.id), "completed without a stored result")]


@pytest.mark.parametrize(
    ("body", "problem"),
    [(None, "is not in the store"), (b"short", "has 5 bytes"), ("same length", "does not match its SHA-256")],
)
def test_bytes_that_are_not_what_was_sold_are_found(lives: Lives, body: bytes | str | None, problem: str) -> None:
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


def test_a_second_accepted_create_is_found(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    change(
        life,
        """
        INSERT INTO events (generation_id, origin, stage, data)
        SELECT generation_id, origin, stage, data FROM events WHERE generation_id = :id AND stage = 'generating'
        """,
    )
    assert breaches(life) == [Breach(3, str(life.id), "2 accepted creates on route 0")]


def test_what_is_noted_while_the_provider_works_is_no_second_create(lives: Lives) -> None:
    life = lives.begin(seconds=3600)
    life.go(until=frozenset({Stage.GENERATING}))
    with life.database.transaction() as session:
        timeline.note(session, life.id, EventName.CANCEL_REQUESTED)
        timeline.note(session, life.id, EventName.CANCEL_SENT)
    assert breaches(life) == []


def test_work_of_the_vendor_that_serves_two_generations_is_found(lives: Lives) -> None:
    first, second = lives.begin(seconds=3600), lives.begin(seconds=3600)
    first.step()
    second.step()
    second.set(f"remote_id = '{first.row.remote_id}'")
    (breach,) = breaches(second)
    assert (breach.rule, breach.subject) == (3, f"kie {first.row.remote_id}")
