"""Levers beside workers and a provider: what the provider is asked, and what is never sent."""

from dataclasses import replace
from unittest.mock import Mock

import pytest

from intake.levers import means_of
from intake.orders import Intake
from providers.adapters.kie.adapter import Kie
from schemas.enums import CancelRule, ErrorCode, EventName, Stage
from schemas.levers import Lever, Selection
from schemas.stages import TERMINAL
from storage import callbacks
from storage.audit import audit
from storage.ledger import Balance
from storage.levers.acting import Means
from tests.integration.levers import Levers, tally
from tests.integration.tasks.conftest import Life, Lives, patient

FREE = Balance(available=1000, held=0)
STOPPABLE: dict[str, object] = {"model": "flux-schnell"}


def means(life: Life) -> Means:
    worker = life.worker
    intake = Intake(worker.settings, life.database, worker.objects, worker.catalogue, lambda *_: None, lambda *_: None)
    return means_of(intake)


def pull(life: Life, lever: Lever, *, rule: CancelRule | None = None) -> dict[str, int]:
    levers = Levers(life.database, life.worker.settings, life.worker.objects)
    given = means(life) if rule is None else replace(means(life), rule_of=lambda _order, _index: rule)
    return tally(levers.pull(lever, Selection(id=[life.id]), given))


def test_failed_work_is_stopped_at_the_provider_and_costs_the_customer_nothing(lives: Lives) -> None:
    life = lives.begin(STOPPABLE, seconds=600)
    assert life.step() is Stage.GENERATING
    assert pull(life, Lever.FAIL) == {"asked": 1}
    assert life.step() is Stage.FAILED
    assert (life.row.error_code, life.row.error_message) == (
        ErrorCode.INTERNAL, "the operator ended it; it cost nothing",
    )  # fmt: skip
    (task,) = life.sandbox.tasks(life.word)
    assert (task.cancels, task.state) == (1, "cancelled")
    assert life.balance == FREE


def test_fail_never_charges_although_the_customer_had_cancelled(lives: Lives) -> None:
    life = lives.begin(STOPPABLE, seconds=600, cancel="slow", cancel_seconds=600)
    assert life.step() is Stage.GENERATING
    assert pull(life, Lever.CANCEL) == {"asked": 1}
    assert life.step() is Stage.GENERATING
    assert pull(life, Lever.FAIL) == {"asked": 1}
    assert life.step() is Stage.FAILED
    assert life.balance == FREE


def test_cancelled_work_is_charged_where_the_provider_bills_it(lives: Lives) -> None:
    life = lives.begin(STOPPABLE, seconds=600)
    assert life.step() is Stage.GENERATING
    assert pull(life, Lever.CANCEL) == {"asked": 1}
    assert life.step() is Stage.CANCELLED
    assert life.balance == Balance(available=999, held=0)


def test_result_that_races_a_cancel_is_delivered_and_charged(lives: Lives) -> None:
    life = lives.begin(STOPPABLE, cancel="ignored")
    assert life.step() is Stage.GENERATING
    assert pull(life, Lever.CANCEL) == {"asked": 1}
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert EventName.CANCEL_TOO_LATE in [event.name for event in life.events]
    assert audit(life.database, life.worker.objects).breaches == []


def test_result_that_is_stored_first_is_delivered_although_an_operator_fails_it(lives: Lives) -> None:
    life = lives.begin()
    assert life.go(until=frozenset({Stage.SETTLING})) is Stage.SETTLING
    assert pull(life, Lever.FAIL) == {}
    assert life.go(until=TERMINAL) is Stage.COMPLETED


@pytest.mark.parametrize("stage", [Stage.DOWNLOADING, Stage.STORING])
def test_result_that_is_not_stored_yet_is_given_up(lives: Lives, stage: Stage) -> None:
    life = lives.begin()
    life.go(until=frozenset({stage}))
    assert pull(life, Lever.FAIL) == {"asked": 1}
    assert life.step() is Stage.FAILED
    assert life.balance == FREE
    assert audit(life.database, life.worker.objects).breaches == []


@pytest.mark.parametrize("lever", [Lever.RETRY, Lever.REPLAY, Lever.CANCEL])
def test_create_of_unknown_outcome_is_never_sent_again(lives: Lives, lever: Lever) -> None:
    life = lives.begin(create_reply="drop")
    assert life.step() is Stage.SUBMITTING
    pull(life, lever)
    for _ in range(3):
        life.step()
    assert life.row.stage is Stage.SUBMITTING
    assert life.accepted_creates() == 1


def test_look_now_finds_a_result_long_before_the_next_poll(lives: Lives) -> None:
    life = lives.begin()
    life.worker = patient(life.worker)
    assert life.step() is Stage.GENERATING
    life.set("failures = 5, wake_at = clock_timestamp() + interval '1 hour'")
    assert pull(life, Lever.RETRY) == {"woken": 1}
    assert life.go(until=frozenset({Stage.DOWNLOADING})) is Stage.DOWNLOADING
    assert life.accepted_creates() == 1


def test_replayed_callback_causes_one_read(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    poll = Mock(side_effect=Kie.poll, autospec=True)
    monkeypatch.setattr(Kie, "poll", lambda kie, work: poll(kie, work))
    life = lives.begin(seconds=600)
    life.worker = patient(life.worker)
    assert life.step() is Stage.GENERATING
    assert pull(life, Lever.REPLAY) == {}, "no callback is stored"
    with life.database.statement() as sql:
        callbacks.record(
            sql, life.row.provider, life.id, remote_id=life.row.remote_id or "", body=b"done", resend_after=0
        )
    life.step()
    slept_until = life.row.wake_at
    assert pull(life, Lever.REPLAY) == {"replayed": 1}
    woken_at = life.row.wake_at
    assert slept_until is not None
    assert woken_at is not None
    assert woken_at < slept_until
    life.step()
    assert poll.call_count == 2, "the first read was for the callback when it came"
    assert life.row.wake_at == slept_until, "the read found unfinished work: the next look is at the deadline"


def test_failed_order_is_made_by_its_retry(lives: Lives) -> None:
    life = lives.begin()
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.FAILED
    assert pull(life, Lever.RETRY) == {"ordered": 1}
    (again,) = [event for event in life.events if event.name == EventName.OPERATOR_ACTED]
    life.id = type(life.id)(str(again.data["retried_by"]))
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert audit(life.database, life.worker.objects).breaches == []
