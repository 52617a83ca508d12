"""Generations that wait: for a place at their provider account, for an operator, or for their scheduled start."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from admission.gate import Gate
from schemas.enums import CancelRule, ErrorCode, Stage
from schemas.limits import AccountLimits
from schemas.stages import TERMINAL
from storage import admission, cancellation
from storage.database import Database
from storage.ledger import Balance
from tasks.grant import grant_on
from tasks.services import WorkerServices
from tests.integration.tasks.conftest import Life, Lives

ACCOUNT = "kie"
WORK = timedelta(minutes=10)
A_WEEK = timedelta(days=7)
GIVEN_BACK = Balance(available=1000, held=0)


@dataclass
class BusyAccount:
    """An account that takes one generation at a time, and has one."""

    lives: Lives
    worker: WorkerServices
    first: Life

    def begin(self, request: dict[str, object] | None = None) -> Life:
        """Another generation for the account."""
        life = self.lives.begin(request)
        life.worker = self.worker
        return life

    def becomes_free(self) -> None:
        """The first generation ends, and its place goes to the generation that is next."""
        self.first.set("deadline_at = clock_timestamp()")
        assert self.first.step() is Stage.FAILED
        grant_on(self.worker, for_seconds=0)


@pytest.fixture
def worker_at_limits(database: Database, worker: WorkerServices) -> Callable[[], WorkerServices]:
    """Makes a worker that has read no limits yet."""

    def make() -> WorkerServices:
        pipeline = worker.settings.pipeline
        gate = Gate(
            database, worker.settings.admission, {}, worker.dispatcher.wake, wake_in=pipeline.resend_after_seconds
        )
        return replace(worker, gate=gate)

    return make


@pytest.fixture
def busy(lives: Lives, worker_at_limits: Callable[[], WorkerServices]) -> BusyAccount:
    """An account without a free place."""
    worker = worker_at_limits()
    with worker.database.statement() as sql:
        admission.declare(sql, {ACCOUNT: AccountLimits(in_flight=1)})
    first = lives.begin(seconds=3600)
    first.worker = worker
    assert first.step() is Stage.GENERATING
    return BusyAccount(lives, worker, first)


def in_about(moment: datetime | None, wait: timedelta) -> bool:
    """Whether a time is so far ahead."""
    return moment is not None and abs(moment - datetime.now(UTC) - wait) < timedelta(seconds=30)


def pause(database: Database, name: str | None) -> None:
    """Pause an account, or end all pauses."""
    with database.transaction() as session:
        session.execute(text("DELETE FROM admission_pauses"))
        if name is not None:
            session.execute(
                text("INSERT INTO admission_pauses (scope, name) VALUES ('provider', :name)"), {"name": name}
            )


def cancel(life: Life) -> Stage:
    with life.database.transaction() as session:
        row = cancellation.request(
            session, life.id, customer_id=life.customer.id, rule_of=lambda _order, _route: CancelRule.CHARGED
        )
        return row.stage


def test_waiting_for_a_place_does_not_use_up_the_default_deadline(busy: BusyAccount) -> None:
    life = busy.begin()
    assert life.step() is Stage.QUEUED
    assert in_about(life.row.deadline_at, A_WEEK)
    assert life.row.wake_at == life.row.deadline_at

    life.set("created_at = created_at - interval '3 days', stage_at = stage_at - interval '3 days'")
    with life.database.transaction() as session:
        session.execute(text("UPDATE admissions SET asked_at = asked_at - interval '3 days' WHERE place = 'waiting'"))
    busy.becomes_free()

    assert in_about(life.row.deadline_at, WORK)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.accepted_creates() == 1


def test_deadline_of_the_request_counts_from_acceptance(busy: BusyAccount) -> None:
    life = busy.begin({"deadline_seconds": 60})
    deadline_at = life.row.deadline_at
    assert life.step() is Stage.QUEUED
    assert (life.row.deadline_at, life.row.wake_at) == (deadline_at, deadline_at)

    life.set("deadline_at = clock_timestamp(), wake_at = clock_timestamp()")

    assert life.step() is Stage.FAILED
    assert (life.row.error_code, life.row.error_message) == (
        ErrorCode.TIMEOUT,
        "not finished before its deadline; it waited for a place at its provider",
    )
    assert (life.balance, life.accepted_creates()) == (GIVEN_BACK, 0)


def test_deadline_of_the_request_stays_when_the_generation_gets_its_place(busy: BusyAccount) -> None:
    life = busy.begin({"deadline_seconds": 3600})
    deadline_at = life.row.deadline_at
    life.step()
    busy.becomes_free()
    assert life.row.deadline_at == deadline_at
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_order_that_may_not_wait_longer_fails_and_is_not_sent(busy: BusyAccount) -> None:
    life = busy.begin({"start_within": 30})
    assert life.step() is Stage.QUEUED
    assert life.row.created_at
    assert life.row.wake_at == life.row.created_at + timedelta(seconds=30)

    life.set("created_at = created_at - interval '30 seconds', wake_at = clock_timestamp()")

    assert life.step() is Stage.FAILED
    assert (life.row.error_code, life.row.error_message) == (
        ErrorCode.NOT_STARTED,
        "no provider got it within the 30 s of `start_within`",
    )
    assert (life.balance, life.accepted_creates()) == (GIVEN_BACK, 0)


def test_order_that_started_in_time_is_not_ended_by_its_latest_start(lives: Lives) -> None:
    life = lives.begin({"start_within": 30}, seconds=0)
    assert life.step() is Stage.GENERATING
    life.set("created_at = created_at - interval '1 hour'")
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_paused_work_does_not_run_into_its_deadline(
    lives: Lives, database: Database, worker_at_limits: Callable[[], WorkerServices]
) -> None:
    pause(database, ACCOUNT)
    life = lives.begin()
    life.worker = worker_at_limits()
    assert life.step() is Stage.QUEUED
    assert in_about(life.row.deadline_at, A_WEEK)

    life.set("created_at = created_at - interval '3 days'")
    grant_on(life.worker, for_seconds=0)
    assert in_about(life.row.deadline_at, A_WEEK), "the pause holds it"
    pause(database, None)
    grant_on(life.worker, for_seconds=0)

    assert in_about(life.row.deadline_at, WORK)
    assert life.go(until=TERMINAL) is Stage.COMPLETED


@pytest.mark.parametrize("is_paused", [True, False])
def test_waiting_generation_is_cancelled_at_once_and_leaves_its_place(busy: BusyAccount, *, is_paused: bool) -> None:
    pause(busy.worker.database, ACCOUNT if is_paused else None)
    life, later = busy.begin(), busy.begin()
    assert [life.step(), later.step()] == [Stage.QUEUED] * 2

    assert cancel(life) is Stage.CANCELLED
    pause(busy.worker.database, None)
    busy.becomes_free()

    assert (life.balance, life.accepted_creates()) == (GIVEN_BACK, 0)
    assert later.go(until=TERMINAL) is Stage.COMPLETED


def test_scheduled_generation_starts_at_its_time_and_no_sooner(lives: Lives) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    life = lives.begin({"not_before": start.isoformat(), "deadline_seconds": 60})
    assert (life.row.wake_at, life.row.deadline_at) == (start, start + timedelta(seconds=60))

    assert life.step() is Stage.QUEUED, "a stray wake-up starts nothing"
    assert in_about(life.row.wake_at, timedelta(days=2))
    assert life.accepted_creates() == 0

    earlier = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    life.set(f"""\"order\" = \"order\" || '{{"not_before": "{earlier}"}}'""")
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_scheduled_generation_is_cancelled_at_once(lives: Lives) -> None:
    start = datetime.now(UTC) + timedelta(days=2)
    life = lives.begin({"not_before": start.isoformat()})
    assert life.balance.held == life.row.credits
    assert cancel(life) is Stage.CANCELLED
    assert life.balance == GIVEN_BACK
