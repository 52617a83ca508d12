"""A customer cancels work that a provider has begun. Replicate and Runway can stop work, and bill stopped work."""

import threading

import pytest

from schemas.enums import CancelRule, ErrorCode, EventName, Stage
from schemas.stages import TERMINAL
from storage import cancellation, generations
from storage.ledger import Balance
from storage.sql import of
from tasks import pipeline
from tasks.remote import remote_ref
from tests.integration.tasks.conftest import Life, Lives, patient
from tests.support import eventually

STOPPABLE: dict[str, object] = {"model": "flux-schnell"}
PRICE = 1
FREE = Balance(available=1000, held=0)
CHARGED = Balance(available=1000 - PRICE, held=0)
HELD = Balance(available=1000 - PRICE, held=PRICE)


def _begun(lives: Lives, **behaviour: object) -> Life:
    life = lives.begin(STOPPABLE, routes=1, customer=None, **{"seconds": 600, **behaviour})
    assert life.step() is Stage.GENERATING
    return life


def _cancel(life: Life) -> None:
    with life.database.transaction() as session:
        cancellation.request(
            session, life.id, customer_id=life.customer.id, rule_of=lambda _order, _route: CancelRule.CHARGED
        )


def _billed(life: Life, monkeypatch: pytest.MonkeyPatch, rule: CancelRule) -> None:
    """Change the rule by which a life's provider bills stopped work."""
    monkeypatch.setattr(life.worker.catalogue, "cancel_rule", lambda _model, _route: rule)


def _names(life: Life) -> list[EventName]:
    return [event.name for event in life.events]


def test_stopped_work_is_charged_if_the_provider_bills_it(lives: Lives) -> None:
    life = _begun(lives)
    _cancel(life)
    assert life.balance == HELD, "the provider has not confirmed"
    assert life.step() is Stage.CANCELLED
    assert life.balance == CHARGED
    (task,) = life.sandbox.tasks(life.word)
    assert (task.cancels, task.state) == (1, "cancelled")


def test_stopped_work_is_free_if_the_provider_does_not_bill_it(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    life = _begun(lives)
    _billed(life, monkeypatch, CancelRule.FREE)
    _cancel(life)
    assert life.step() is Stage.CANCELLED
    assert life.balance == FREE


def test_cancellation_survives_the_death_of_the_worker_that_passed_it_on(lives: Lives) -> None:
    life = lives.begin({"model": "gen-4-image"}, seconds=600)
    price = life.row.credits
    assert life.step() is Stage.GENERATING
    _cancel(life)
    life.worker.providers.get("runway").cancel(remote_ref(life.claim()))
    life.set("lease_until = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.CANCELLED
    assert life.balance == Balance(available=1000 - price, held=0)
    (task,) = life.sandbox.tasks(life.word)
    assert (task.cancels, task.state) == (1, "cancelled")


@pytest.mark.slow
def test_hold_stays_until_a_slow_provider_confirms_the_cancellation(lives: Lives) -> None:
    life = _begun(lives, cancel="slow", cancel_seconds=15)
    _cancel(life)
    assert life.step() is Stage.GENERATING
    assert life.balance == HELD
    eventually(lambda: life.sandbox.tasks(life.word), lambda tasks: [task.state for task in tasks] == ["cancelled"])
    assert life.go(until=TERMINAL) is Stage.CANCELLED
    assert life.balance == CHARGED
    (task,) = life.sandbox.tasks(life.word)
    assert task.cancels == 1, "it is asked once"
    assert EventName.CANCEL_SENT in _names(life)


def test_result_ready_before_the_cancellation_is_delivered_and_charged(lives: Lives) -> None:
    life = _begun(lives, cancel="ignored")
    _cancel(life)
    assert life.step() is Stage.GENERATING
    life.sandbox.finish(life.word)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.balance == CHARGED
    assert EventName.CANCEL_TOO_LATE in _names(life)


def test_unconfirmed_cancellation_ends_at_the_deadline(lives: Lives) -> None:
    life = _begun(lives, cancel="ignored")
    _cancel(life)
    for _ in range(3):
        assert life.step() is Stage.GENERATING
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.CANCELLED
    assert life.balance == CHARGED


def test_failed_request_to_stop_is_repeated_and_the_state_still_counts(lives: Lives) -> None:
    life = _begun(lives, cancel_error={"code": 500, "msg": "trouble", "http_status": 500}, cancel_error_times=3)
    _cancel(life)
    for _ in range(3):
        assert life.step() is Stage.GENERATING
    assert life.step() is Stage.CANCELLED


def test_work_that_fails_after_a_cancellation_is_not_charged(lives: Lives) -> None:
    life = _begun(lives, outcome="fail", cancel="ignored")
    _cancel(life)
    assert life.step() is Stage.GENERATING
    life.sandbox.finish(life.word)
    assert life.go(until=TERMINAL) is Stage.CANCELLED
    assert life.balance == FREE


@pytest.mark.slow
def test_cancellation_during_the_create_is_passed_on_at_once(lives: Lives) -> None:
    life = lives.begin(STOPPABLE, seconds=600, create_latency_seconds=15)
    message = (str(life.id), life.row.attempt, {Stage.QUEUED})
    submitting = threading.Thread(target=pipeline.run, args=(patient(life.worker), *message))
    submitting.start()
    eventually(lambda: life.row.stage, lambda reached: reached is Stage.SUBMITTING)
    _cancel(life)
    submitting.join()
    with life.database.transaction() as session:
        due = generations.take_due(of(session), [Stage.GENERATING], limit=100, resend_after=10)
    assert life.id in [wake.generation_id for wake in due]
    assert life.step() is Stage.CANCELLED


def test_cancellation_during_a_refused_create_prevents_the_retry(lives: Lives) -> None:
    life = lives.begin(STOPPABLE, create_error={"code": 503, "msg": "busy", "http_status": 503}, create_error_times=9)
    assert life.step() is Stage.QUEUED
    life.set("cancel_requested_at = clock_timestamp()")
    assert life.step() is Stage.CANCELLED
    assert life.balance == FREE
    assert life.accepted_creates() == 0


def test_cancellation_of_an_unknown_create_prevents_the_resend(lives: Lives) -> None:
    life = lives.begin(STOPPABLE, create_reply="drop")
    assert life.step() is Stage.SUBMITTING
    _cancel(life)
    assert life.step() is Stage.SUBMITTING, "a callback may still tell"
    life.set("stage_at = stage_at - interval '1 hour'")
    assert life.step() is Stage.CANCELLED
    assert life.balance == FREE
    assert life.accepted_creates() == 1


def test_work_cancelled_by_the_provider_alone_fails_the_generation(lives: Lives) -> None:
    life = _begun(lives)
    life.worker.providers.get(life.row.provider).cancel(remote_ref(life.claim()))
    life.set("lease_until = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.PROVIDER_FAILED
    assert life.balance == FREE
