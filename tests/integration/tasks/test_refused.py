"""Creates that the vendor refuses because of our account: the generation waits in our queue, and nothing is lost."""

import pytest
from sqlalchemy import text

from schemas.enums import EventName, Stage
from schemas.limits import Place, RemoteWait
from tasks.grant import grant_on
from tests.integration.tasks.conftest import Life, Lives

A_MINUTE = 60
TOO_FAST = {"code": 429, "msg": "too many requests", "retry_after": A_MINUTE}
NO_CREDITS = {"code": 402, "msg": "insufficient credits"}
_PLACE = text("SELECT place FROM admissions WHERE generation_id = :id")
_PASSES = text("""
    WITH passed AS (UPDATE admission_creates SET at = at - interval '1 hour')
    UPDATE admission_accounts SET closed_until = clock_timestamp() - interval '1 second'
""")


def place_of(life: Life) -> str:
    """Where the generation stands before its account."""
    with life.database.transaction() as session:
        return str(session.execute(_PLACE, {"id": life.id}).scalar_one())


def account_opens(life: Life) -> None:
    """The time of the refusal passes, and the account hands out its places."""
    with life.database.transaction() as session:
        session.execute(_PASSES)
    life.worker.gate.forget_view()
    grant_on(life.worker, for_seconds=0)


def test_refused_generation_waits_without_a_failure_until_the_account_is_open(lives: Lives) -> None:
    life = lives.begin(create_error=TOO_FAST)
    assert life.step() is Stage.QUEUED
    before = life.row
    assert life.step() is Stage.QUEUED
    row = life.row
    assert (row.failures, row.lease_token, place_of(life)) == (0, None, Place.WAITING)
    assert row.deadline_at > before.deadline_at, "the wait does not use up the deadline"
    grant_on(life.worker, for_seconds=0)
    assert place_of(life) == Place.WAITING, "the vendor told us to wait"
    account_opens(life)
    assert place_of(life) == Place.GRANTED
    assert life.step() is Stage.GENERATING
    assert EventName.WAITS in {event.name for event in life.events}
    assert life.accepted_creates() == 1


def test_other_generations_wait_for_the_same_account(lives: Lives) -> None:
    refused, other = lives.begin(create_error=TOO_FAST), lives.begin()
    refused.step()
    assert other.step() is Stage.QUEUED
    assert place_of(other) == Place.WAITING
    account_opens(other)
    assert other.step() is Stage.GENERATING


@pytest.mark.parametrize("times", [1, 3])
def test_generation_outlasts_an_account_without_money(lives: Lives, times: int) -> None:
    life = lives.begin(create_error=NO_CREDITS, create_error_times=times)
    for _ in range(times):
        assert life.step() is Stage.QUEUED
        assert life.worker.gate.is_spent("kie")
        assert life.step() is Stage.QUEUED
        assert place_of(life) == Place.WAITING
        account_opens(life)
    assert life.step() is Stage.GENERATING
    assert not life.worker.gate.is_spent("kie")
    assert (life.row.failures, life.accepted_creates()) == (0, 1)


def test_vendors_word_about_its_own_queue_is_kept(lives: Lives) -> None:
    life = lives.begin({"model": "gen-4.5-text-to-video"}, seconds=3600)
    assert life.step() is Stage.GENERATING
    assert life.row.remote_wait is None, "the vendor has said nothing yet"
    assert life.step() is Stage.GENERATING
    assert life.row.remote_wait in set(RemoteWait)
