"""The steps write what an operator needs later: authors, calls to the vendor, failed tries, who found the end."""

from typing import Any
from uuid import uuid4

import pytest

from schemas.enums import ErrorCode, EventName, FoundBy, Stage, TransferKind
from schemas.stages import TERMINAL
from schemas.tables import Event
from schemas.timeline_api import OperatorsTimeline, OtherEntry
from storage import callbacks, generations, timeline, timeline_document, transitions
from storage.database import Database
from tests.integration.tasks.conftest import Life, Lives
from tests.support import eventually, own_logs


def document(life: Life) -> OperatorsTimeline:
    with life.database.transaction() as session:
        row = generations.find(session, life.id)
        assert row is not None
        return timeline_document.for_operators(timeline.records(session, row))


def make_ready(life: Life) -> None:
    """Let the vendor finish the work: the next read finds the end."""
    life.sandbox.finish(life.word)
    eventually(lambda: life.sandbox.tasks(life.word), lambda tasks: all(task.completed_at for task in tasks))


def call_back(life: Life) -> None:
    """Record a callback of the vendor, as the gateway does."""
    body, remote_id = uuid4().bytes, life.row.remote_id
    with life.database.statements() as sql:
        callbacks.record(sql, "kie", life.id, remote_id=remote_id or "", body=body, resend_after=10)


def troubles(life: Life) -> list[Event]:
    return [event for event in life.events if event.name == EventName.TRY_FAILED]


def test_timeline_tells_authors_calls_credits_and_files_in_order(lives: Lives) -> None:
    life = lives.begin(seconds=3600)
    life.step()
    make_ready(life)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    told = document(life)

    moves = [entry for entry in told.entries if entry.name == EventName.MOVED]
    assert [move.stage for move in moves] == [
        *(Stage.QUEUED, Stage.SUBMITTING, Stage.GENERATING, Stage.DOWNLOADING, Stage.STORING, Stage.SETTLING),
        Stage.COMPLETED,
    ]
    assert [move.worker for move in moves] == [None, *["a test"] * 6]
    assert [move.attempt for move in moves] == [None, 1, 1, 2, 3, 4, 5]
    calls = {move.stage: [(call.operation, call.status) for call in move.calls] for move in moves if move.calls}
    assert calls == {Stage.GENERATING: [("submit", 200)], Stage.DOWNLOADING: [("poll", 200)]}
    others = {entry.name: entry for entry in told.entries if entry.name != EventName.MOVED}
    assert others.keys() == {TransferKind.HOLD, TransferKind.CAPTURE, OtherEntry.STORED}
    assert others[TransferKind.HOLD].details == {"amount": life.row.credits}
    assert others[TransferKind.HOLD].stage is Stage.QUEUED
    assert others[OtherEntry.STORED].details["role"] == "result"
    assert [entry.seconds for entry in told.entries] == sorted(entry.seconds for entry in told.entries)
    assert sum(entry.gap_seconds for entry in told.entries) == pytest.approx(told.entries[-1].seconds, abs=0.01)
    assert life.word not in told.model_dump_json()


def found_by(life: Life) -> FoundBy | None:
    (end,) = [entry for entry in document(life).entries if entry.found_by]
    assert (end.name, end.stage) == (EventName.MOVED, Stage.DOWNLOADING)
    return end.found_by


def test_end_is_found_by_the_safety_poll_where_no_callback_comes(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.DOWNLOADING}))
    assert found_by(life) is FoundBy.SAFETY_POLL


def test_end_is_found_by_the_callback_that_caused_the_read(lives: Lives) -> None:
    life = lives.begin(seconds=3600)
    assert [life.step(), life.step()] == [Stage.GENERATING] * 2
    make_ready(life)
    call_back(life)
    assert life.step() is Stage.DOWNLOADING
    assert found_by(life) is FoundBy.CALLBACK


def test_callback_whose_read_found_unfinished_work_did_not_find_the_end(lives: Lives) -> None:
    life = lives.begin(seconds=3600)
    life.step()
    call_back(life)
    assert [life.step(), life.step()] == [Stage.GENERATING] * 2
    make_ready(life)
    assert life.step() is Stage.DOWNLOADING
    assert found_by(life) is FoundBy.SAFETY_POLL
    (end,) = [entry for entry in document(life).entries if entry.found_by]
    assert end.quiet_claims == 2
    (callback,) = [entry for entry in document(life).entries if entry.name == OtherEntry.CALLBACK]
    assert (callback.stage, callback.details["deliveries"]) == (Stage.GENERATING, 1)


def test_equal_failures_share_an_entry_that_counts_them(lives: Lives) -> None:
    life = lives.begin(poll_error={"code": 500, "msg": "trouble"}, poll_error_times=4)
    life.step()
    for _ in range(4):
        assert life.step() is Stage.GENERATING
    (trouble,) = troubles(life)
    assert trouble.data["times"] == 4
    assert "until" in trouble.data
    (entry,) = [entry for entry in document(life).entries if entry.name == EventName.TRY_FAILED]
    assert (entry.attempt, [call.operation for call in entry.calls]) == (life.row.attempt, ["poll"])


def test_account_that_fails_reads_is_one_warning_and_its_recovery_another(lives: Lives) -> None:
    life = lives.begin(poll_error={"code": 500, "msg": "trouble"}, poll_error_times=4)
    life.step()
    with own_logs() as lines:
        assert life.go(until=TERMINAL) is Stage.COMPLETED
    warnings = [(line["event"], line["provider"]) for line in lines if line["log_level"] == "warning"]
    assert warnings == [("account_failing", "kie"), ("account_works_again", "kie")]


def test_ever_different_failures_are_limited_and_the_last_one_is_kept(lives: Lives, database: Database) -> None:
    life = lives.begin()
    with database.statements() as sql:
        for number in range(60):
            transitions.note_trouble(sql, life.id, f"failure {number}", {})
    assert len(troubles(life)) == 50
    assert (troubles(life)[-1].data["reason"], troubles(life)[-1].data["times"]) == ("failure 59", 11)


@pytest.mark.parametrize(
    ("stage", "scenario", "said"),
    [
        (
            Stage.GENERATING,
            {"poll_error": {"code": 500, "msg": "x"}, "poll_error_times": 9},
            "kie had an internal error",
        ),
        (Stage.DOWNLOADING, {"download_status": 500, "download_status_times": 9}, "the file's host answered HTTP 500"),
    ],
)
def test_error_of_a_deadline_says_that_the_last_try_failed_and_operators_see_why(
    lives: Lives, stage: Stage, scenario: dict[str, Any], said: str
) -> None:
    life = lives.begin(**scenario)
    life.go(until=frozenset({stage}))
    assert life.step() is stage
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.FAILED
    assert (life.row.error_message or "").endswith(" deadline; the last try failed")
    assert said in str(troubles(life)[-1].data["reason"])


def test_deadline_after_a_recovered_failure_blames_no_failure(lives: Lives) -> None:
    life = lives.begin(seconds=3600, poll_error={"code": 500, "msg": "x"}, poll_error_times=1)
    for _ in range(3):
        life.step()
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.FAILED
    assert (life.row.error_code, life.row.error_message) == (ErrorCode.TIMEOUT, "not finished before its deadline")


def test_create_that_was_refused_until_the_deadline_keeps_the_refusal_for_operators(lives: Lives) -> None:
    life = lives.begin()
    with life.database.statements() as sql:
        transitions.note_trouble(sql, life.id, "an internal error", {})
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.FAILED
    assert life.row.error_message == "not finished before its deadline; the last try failed"
    assert troubles(life)[-1].data["reason"] == "an internal error"
