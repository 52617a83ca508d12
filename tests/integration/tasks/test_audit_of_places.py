"""The audit of places at provider accounts, and of generations that wait for one."""

from sqlalchemy import text

from schemas.limits import AccountLimits, Place
from schemas.stages import TERMINAL
from storage import admission
from storage.audit import Breach
from storage.database import Database
from tests.integration.tasks.conftest import Life, Lives
from tests.integration.tasks.test_audit import breaches, change, online

ACCOUNT = "kie"


def places(life: Life, place: Place | None, account: str = ACCOUNT) -> None:
    """Give a generation this place at an account, or take its place away."""
    change(life, "DELETE FROM admissions WHERE generation_id = :id")
    if place is not None:
        change(
            life,
            f"""
            INSERT INTO admissions (
                generation_id, provider, customer_id, model, vendor_model, place, lane, priority, may_use_reserve,
                charge, turn, flow, flow_turn
            ) SELECT id, '{account}', customer_id, model, model, '{place}', 0, 1, false, 1, 0, '-', 0
            FROM generations WHERE id = :id
            """,
        )


def limited_for_long(database: Database) -> None:
    """The account has limits, and the work there was counted."""
    with database.statement() as sql:
        admission.declare(sql, {ACCOUNT: AccountLimits(in_flight=5)})
    with database.transaction() as session:
        session.execute(text("UPDATE admission_accounts SET limits_at = now() - interval '1 hour', counted_at = now()"))


FITTING: dict[str, set[Place | None]] = {
    "queued": {*Place, None},
    "submitting": {Place.GRANTED},
    "generating": {Place.GRANTED},
}


def test_place_fits_the_stage(lives: Lives) -> None:
    life = lives.begin(seconds=3600)
    limited_for_long(life.database)
    for stage, fitting in FITTING.items():
        change(life, f"UPDATE generations SET stage = '{stage}' WHERE id = :id")
        for place in (*Place, None):
            places(life, place)
            found = breaches(life)
            assert found == online(life)
            assert {breach.rule for breach in found} == (set() if place in fitting else {5}), f"{stage} and {place}"


def test_ended_generation_has_no_place(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    places(life, Place.GRANTED)
    assert breaches(life) == [Breach(5, str(life.id), "completed and granted at kie")]


def test_place_is_at_the_account_of_the_route(lives: Lives) -> None:
    life = lives.begin()
    places(life, Place.WAITING, "runway")
    assert breaches(life) == [Breach(5, str(life.id), "queued and waiting at runway, but its provider is kie")]
    places(life, Place.IDLE, "runway")
    assert breaches(life) == []


def test_work_at_an_account_without_limits_needs_no_place(lives: Lives) -> None:
    life = lives.begin(seconds=3600)
    life.step()
    assert breaches(life) == []


def test_queued_generation_sleeps_only_while_it_waits(lives: Lives) -> None:
    life = lives.begin()
    life.set("wake_at = now() + interval '2 hours', deadline_at = now() + interval '3 hours'")
    (breach,) = breaches(life)
    assert (breach.rule, breach.subject) == (1, str(life.id))
    assert breach.problem.endswith("but waits neither for a place nor for its start")
    assert online(life) == [breach]

    for place in (Place.WAITING, Place.HELD):
        places(life, place)
        assert breaches(life) == []


def test_scheduled_generation_may_sleep_until_its_start(lives: Lives) -> None:
    life = lives.begin({"not_before": "2999-01-01T00:00:00Z"})
    assert breaches(life) == []
    life.set("wake_at = wake_at + interval '2 hours'")
    assert [breach.rule for breach in breaches(life)] == [1]
