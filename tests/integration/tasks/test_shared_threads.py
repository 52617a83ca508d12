"""Generations beside work of their account that hangs in a vendor's call. The account has one thread here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread

import pytest

from schemas.enums import Stage
from schemas.stages import TERMINAL
from storage.leases import LeaseKeeper
from tasks import threads
from tasks.threads import Threads
from tests.integration.tasks.conftest import Life, Lives


@contextmanager
def hanging(life: Life, *, with_line: bool) -> Iterator[None]:
    """Work of the generation's account hangs during the block. `with_line`: as much work as may wait, waits too."""
    life.worker = replace(life.worker, threads=Threads(each=1))
    account, hangs, answers = life.row.provider, Event(), Event()

    def hang() -> None:
        hangs.set()
        answers.wait()

    thread = Thread(target=life.worker.threads.run, args=(account, hang))
    thread.start()
    hangs.wait()
    if with_line:
        assert life.worker.threads.run(account, lambda: None)
    try:
        yield
    finally:
        answers.set()
        thread.join()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_PATIENCE_SECONDS", 0)


@pytest.mark.parametrize("stage", [Stage.QUEUED, Stage.SUBMITTING, Stage.GENERATING, Stage.DOWNLOADING])
def test_generation_without_a_thread_is_put_off_and_counts_no_failure(lives: Lives, stage: Stage) -> None:
    life = lives.begin(create_reply="garbage" if stage is Stage.SUBMITTING else "normal")
    life.go(until=frozenset({stage}))
    before, creates = life.row, life.accepted_creates()
    with hanging(life, with_line=True):
        for _ in range(life.settings.pipeline.stage_failures + 1):
            assert life.step() is stage
    after = life.row
    assert (after.failures, after.crashes, after.stage_at) == (before.failures, before.crashes, before.stage_at)
    assert after.lease_token is None
    assert life.accepted_creates() == creates
    if stage is not Stage.SUBMITTING:
        assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_generation_past_its_deadline_ends_beside_a_vendor_that_hangs(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.GENERATING}))
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    with hanging(life, with_line=True):
        assert life.step() is Stage.FAILED
    by = life.events[-1].data["by"]
    assert isinstance(by, dict)
    assert "calls" not in by
    assert life.balance.held == 0


def test_generation_in_the_line_goes_on_when_its_account_answers(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.DOWNLOADING}))
    with hanging(life, with_line=False):
        assert life.step() is Stage.DOWNLOADING
        assert life.row.lease_token is not None
    assert life.row.stage is Stage.STORING


def test_generation_in_the_line_of_a_process_that_ends_is_due_at_once_elsewhere(lives: Lives) -> None:
    life = lives.begin()
    with hanging(life, with_line=False):
        assert life.step() is Stage.QUEUED
        life.worker.threads.end()
        assert life.row.lease_token is None
    # A create that had begun at the end could have been cut.
    assert (life.row.stage, life.row.crashes, life.accepted_creates()) == (Stage.QUEUED, 0, 0)
    life.worker = replace(life.worker, threads=Threads(each=1))
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_generation_in_the_line_does_nothing_after_its_claim_was_handed_back(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.GENERATING}))
    leases = LeaseKeeper(life.database, lease_seconds=life.settings.pipeline.lease_seconds)
    life.worker = replace(life.worker, leases=leases)
    with hanging(life, with_line=False):
        assert life.step() is Stage.GENERATING
        assert leases.hand_back() == 1
    assert life.row.stage is Stage.GENERATING
    assert "write_refused" not in {event.name for event in life.events}
