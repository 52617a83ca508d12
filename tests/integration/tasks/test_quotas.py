"""Generations of a customer whose orders wait at a limit, from acceptance to the end."""

from collections.abc import Callable

from sqlalchemy import text

from schemas.enums import Stage
from schemas.limits import HeldBy
from schemas.quotas import OnLimit
from schemas.stages import TERMINAL
from storage import quota_settings
from storage.admission_control import Reason
from storage.audit import Breach
from storage.quota_settings import LimitChanges
from storage.sql import of
from tasks.grant import grant_on
from tasks.services import WorkerServices
from tests.integration.tasks.conftest import Life, Lives
from tests.integration.tasks.test_audit import breaches, change, online
from tests.integration.tasks.test_waiting import worker_at_limits

__all__ = ["worker_at_limits"]


def limit(life: Life, changes: LimitChanges) -> None:
    with life.database.transaction() as session:
        quota_settings.change(of(session), life.customer.id, changes, Reason("a test"))


def held_by(life: Life) -> str | None:
    with life.database.transaction() as session:
        found = session.execute(text("SELECT held_by FROM admissions WHERE generation_id = :id"), {"id": life.id})
        return found.scalar_one_or_none()


def used(life: Life) -> tuple[int, int, int]:
    with life.database.statement() as sql:
        now = quota_settings.of_customers(sql, [life.customer.id])[life.customer.id].used
    return now.in_flight, now.today, now.credits_today


def test_order_over_a_limit_in_flight_begins_when_another_leaves_the_provider(
    lives: Lives, worker_at_limits: Callable[[], WorkerServices]
) -> None:
    first = lives.begin()
    second = lives.begin(customer=first.customer)
    limit(first, {"in_flight": 1, "on_limit": OnLimit.WAIT})
    worker = worker_at_limits()
    first.worker = second.worker = worker

    assert first.step() is Stage.GENERATING
    assert second.step() is Stage.QUEUED
    assert (held_by(second), second.accepted_creates()) == (HeldBy.CUSTOMER, 0)
    assert used(first)[:2] == (1, 1)
    assert first.go(until=TERMINAL) is Stage.COMPLETED
    grant_on(worker, for_seconds=0)

    assert second.go(until=TERMINAL) is Stage.COMPLETED
    price = first.row.credits
    assert used(first) == (0, 2, 2 * price)


def test_failure_of_a_generation_gives_its_credits_back_to_the_day(
    lives: Lives, worker_at_limits: Callable[[], WorkerServices]
) -> None:
    life = lives.begin(seconds=3600)
    limit(life, {"credits_per_day": 1000, "on_limit": OnLimit.WAIT})
    life.worker = worker_at_limits()
    assert life.step() is Stage.GENERATING
    assert used(life) == (1, 1, life.row.credits)
    life.set("deadline_at = clock_timestamp()")
    assert life.step() is Stage.FAILED
    assert used(life) == (0, 1, 0)


def test_audit_finds_an_ended_generation_that_still_counts(lives: Lives) -> None:
    life = lives.begin()
    limit(life, {"in_flight": 1})
    life.go(until=TERMINAL)
    assert breaches(life) == []
    change(
        life,
        "INSERT INTO quota_orders (generation_id, holder_id, credits) SELECT id, customer_id, 0 FROM generations "
        "WHERE id = :id",
    )
    expected = Breach(5, str(life.id), f"completed, and still counts against the limits of {life.customer.id}")
    assert breaches(life) == online(life) == [expected]
