"""Creates whose answer comes after the end of their generation: the provider is asked to stop the work."""

import math
from collections.abc import Callable

import pytest

from schemas.enums import ErrorCode, EventName, Stage
from schemas.levers import ENDED_BY_OPERATOR, Lever
from storage import callbacks, transitions
from storage.leases import Lease
from tasks.send import send
from tests.integration.tasks.conftest import Life, Lives
from tests.integration.tasks.test_levers import FREE, STOPPABLE, pull
from tests.integration.tasks.test_submit import declared, request_of, send_under

LEASE_RAN_OUT = "lease_until = clock_timestamp() - interval '1 second'"
GRACE_IS_OVER = "stage_at = stage_at - interval '1 hour'"
DEADLINE_PASSED = "deadline_at = clock_timestamp() - interval '1 second'"


def by_deadline(life: Life) -> None:
    life.set(f"{LEASE_RAN_OUT}, {DEADLINE_PASSED}")


def by_grace_period(life: Life) -> None:
    life.set(f"{LEASE_RAN_OUT}, {GRACE_IS_OVER}")


def by_cancel(life: Life) -> None:
    with life.database.statements() as sql:
        transitions.request_cancel(sql, life.id)
    life.set(f"{LEASE_RAN_OUT}, {GRACE_IS_OVER}")


def by_lever(life: Life) -> None:
    assert pull(life, Lever.FAIL) == {"asked": 1}
    life.set(LEASE_RAN_OUT)


@pytest.mark.parametrize("ends", [by_deadline, by_grace_period, by_cancel, by_lever])
def test_work_whose_generation_ended_during_the_create_is_stopped(lives: Lives, ends: Callable[[Life], None]) -> None:
    life = lives.begin(STOPPABLE, seconds=600)
    sender = declared(life)
    ends(life)
    assert life.step() in {Stage.FAILED, Stage.CANCELLED}
    send_under(life, sender, Lease(life.id, until=math.inf))
    (task,) = life.sandbox.tasks(life.word)
    assert (task.cancels, task.state) == (1, "cancelled")
    assert [event.name for event in life.events][-2:] == [EventName.SUBMIT_LATE, EventName.CANCEL_SENT]
    assert life.balance == FREE


def test_create_in_flight_that_an_operator_fails_has_an_unknown_outcome(lives: Lives) -> None:
    life = lives.begin(STOPPABLE, seconds=600)
    declared(life)
    by_lever(life)
    assert life.step() is Stage.FAILED
    assert (life.row.error_code, life.row.error_message) == (ErrorCode.SUBMIT_OUTCOME_UNKNOWN, ENDED_BY_OPERATOR)


def named_by_a_callback(life: Life) -> str:
    """Let the create leave, and a callback alone name the work. Returns the vendor's id."""
    sender = declared(life)
    send(life.worker, sender, Lease(life.id, until=math.inf), request_of(sender))
    (task,) = life.sandbox.tasks(life.word)
    with life.database.statement() as sql:
        callbacks.record(sql, life.row.provider, life.id, remote_id=task.task_id, body=b"begun", resend_after=3600)
    return task.task_id


@pytest.mark.parametrize("ends", [by_deadline, by_lever])
def test_work_that_only_a_callback_has_named_is_stopped_at_the_end(lives: Lives, ends: Callable[[Life], None]) -> None:
    life = lives.begin(STOPPABLE, seconds=600)
    named_by_a_callback(life)
    ends(life)
    assert life.step() is Stage.FAILED
    (task,) = life.sandbox.tasks(life.word)
    assert (task.cancels, task.state) == (1, "cancelled")
    assert life.balance == FREE
