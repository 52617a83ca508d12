"""A stranger who has seen a signed callback can repeat that callback. Each read at the vendor costs a worker's time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import text

from schemas.enums import Stage
from schemas.settings import Settings
from storage import callbacks, claims, generations, transitions
from storage.changes import Changes
from storage.claims import Claim
from storage.database import Database
from storage.generations import Wake
from tests.support import NewCustomer, a_generation, some_claim

TASK = "task_1"
SECOND = timedelta(seconds=1)
STEP = timedelta(seconds=0.1)


@dataclass
class Waiting:
    """A generation that waits for its vendor, and a clock that a test moves on."""

    database: Database
    id: UUID
    passed: timedelta = timedelta()

    def call_back(self, body: bytes) -> Wake | None:
        with self.database.statements() as sql:
            return callbacks.record(sql, "kie", self.id, remote_id=TASK, body=body, resend_after=10).wake

    def due(self) -> Wake | None:
        """The wake-up that the waker sends now."""
        with self.database.statements() as sql:
            return next(iter(generations.take_due(sql, [Stage.DOWNLOADING], limit=1, resend_after=10)), None)

    def claim(self, wake: Wake) -> Claim:
        with self.database.statement() as sql:
            return some_claim(claims.claim(sql, self.id, [wake.stage], attempt=wake.attempt, lease_seconds=60))

    def read(self, wake: Wake) -> datetime:
        """A worker reads the unfinished state. Returns the time of the read."""
        held = self.claim(wake)
        self.put_back(held)
        return held.generation.claimed_at + self.passed

    def put_back(self, held: Claim) -> Claim:
        with self.database.statement() as sql:
            return transitions.put_back(sql, held, wake_in=3600)

    def pass_time(self) -> None:
        """Let a tenth of a second pass: every time of the row moves into the past."""
        self.passed += STEP
        moments = ", ".join(f"{name} = {name} - :step" for name in ("wake_at", "claimed_at", "callback_at"))
        with self.database.transaction() as session:
            session.execute(text(f"UPDATE generations SET {moments} WHERE id = :id"), {"step": STEP, "id": self.id})


@pytest.fixture
def waiting(database: Database, settings: Settings, make_customer: Callable[[int], NewCustomer]) -> Waiting:
    waiting = Waiting(database, a_generation(database, settings, make_customer(100)))
    held = waiting.claim(Wake(waiting.id, Stage.QUEUED, 0))
    with database.statements() as sql:
        held = transitions.move(sql, held, Stage.SUBMITTING, wake_in=60, keeps_lease=True)
        transitions.move(sql, held, Stage.GENERATING, wake_in=3600, changes=Changes(remote_id=TASK))
    return waiting


@pytest.mark.parametrize("body", ["the same", "changed {number}"])
def test_fifty_callbacks_cause_one_read_a_second(waiting: Waiting, body: str) -> None:
    reads: list[datetime] = []
    for number in range(50):
        wakes = waiting.call_back(body.format(number=number).encode()), waiting.due()
        reads += [waiting.read(wake) for wake in wakes if wake is not None]
        waiting.pass_time()
    assert all(later - earlier >= SECOND for earlier, later in pairwise(reads))
    assert len(reads) >= 5, "a repeated callback is a hint all the same"


def test_the_first_callback_and_a_later_one_with_another_state_are_read_at_once(waiting: Waiting) -> None:
    for body in (b"running", b"succeeded"):
        wake = waiting.call_back(body)
        assert wake is not None
        waiting.read(wake)
        for _ in range(10):
            waiting.pass_time()


def test_another_state_within_a_second_is_read_when_the_second_is_over(waiting: Waiting) -> None:
    wake = waiting.call_back(b"running")
    assert wake is not None
    waiting.read(wake)
    assert waiting.call_back(b"succeeded") is None
    for _ in range(10):
        assert waiting.due() is None
        waiting.pass_time()
    assert waiting.due() is not None


def test_a_repetition_before_the_read_changes_nothing(waiting: Waiting) -> None:
    first = waiting.call_back(b"the same")
    assert first is not None
    assert waiting.call_back(b"the same") is None
    waiting.read(first)


def test_a_repetition_during_a_claim_is_read_a_second_after_the_claim(waiting: Waiting) -> None:
    wake = waiting.call_back(b"the same")
    assert wake is not None
    held = waiting.claim(wake)
    assert waiting.call_back(b"the same") is None
    after = waiting.put_back(held).generation
    assert after.wake_at == after.claimed_at + SECOND


def test_another_state_during_a_claim_is_read_a_second_after_the_claim(waiting: Waiting) -> None:
    wake = waiting.call_back(b"running")
    assert wake is not None
    held = waiting.claim(wake)
    waiting.call_back(b"running")
    assert waiting.call_back(b"succeeded") is None, "the worker that gives up the claim sees the callback"
    after = waiting.put_back(held).generation
    assert after.wake_at == after.claimed_at + SECOND
