"""Runs to stop: which of them are remembered at a deadline, whose turn a try is, and which errors end no row."""
# ruff: noqa: F811 -- the fixture `own`

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import pytest
from redis import Redis
from sqlalchemy import text

from schemas.enums import ErrorCode, Queue, Stage
from stack.stack import Stack
from storage import runs_to_stop
from storage.runs_to_stop import Stopping
from tasks import stop_runs, threads
from tasks.wake import wake
from tests.integration.tasks.conftest import Life
from tests.integration.tasks.test_late_creates import by_deadline, named_by_a_callback
from tests.integration.tasks.test_lost import opened
from tests.integration.tasks.test_shared_threads import hanging
from tests.integration.tasks.test_stop_runs import (
    AWAY,
    COMFYUI,
    FREE,
    LOCAL,
    LONG,
    STOPPING,
    Own,
    answers,
    arguments,
    cancels,
    change,
    due,
    lose,
    own,  # noqa: F401 -- a fixture
    rows,
    sent,
    states,
    try_to_stop,
)
from tests.support import eventually
from workers.envelopes import checked

PAST = "deadline_at = clock_timestamp() - interval '1 second'"


def stopped(life: Life) -> bool:
    """Make the next try. Returns whether it stopped the only run, and ended the only row."""
    try_to_stop(life)
    return rows(life) == [] and list(states(life).values()) == ["cancelled"]


def test_an_order_past_its_deadline_ends_without_a_call_to_its_server(own: Own) -> None:
    """A server that swallows packets would hold the end up for longer than the lease lasts."""
    life = own.begun(LOCAL)
    life.set(PAST)
    assert life.step() is Stage.FAILED
    assert (life.row.error_code, life.balance, cancels(life)) == (ErrorCode.TIMEOUT, FREE, [0])
    assert rows(life) == [(life.row.provider, life.row.remote_id, 0)]
    assert stopped(life)


def test_the_run_of_an_order_that_ends_without_a_thread_is_stopped_later(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "_PATIENCE_SECONDS", 0)
    life = own.begun(LOCAL)
    life.set(PAST)
    worker = life.worker
    with hanging(life, with_line=True):
        assert life.step() is Stage.FAILED
    life.worker = worker
    assert stopped(life)


def test_a_run_that_only_a_callback_has_named_is_stopped_later(own: Own) -> None:
    life = own.ordered(LOCAL, seconds=LONG)
    remote_id = named_by_a_callback(life)
    by_deadline(life)
    assert life.step() is Stage.FAILED
    assert (rows(life), cancels(life)) == ([("gpu_1", remote_id, 0)], [0])
    assert stopped(life)


@STOPPING
def test_an_address_without_the_server_ends_no_row(own: Own, server: tuple[str, str, str], sandboxed: Stack) -> None:
    """A proxy whose server is away, or another server there, says nothing about the run."""
    life = own.begun(server)
    account, remote_id = lose(life)
    settings = own.worker.settings
    moved = settings.providers.named(account).model_copy(update={"base_url": f"{sandboxed.sandbox_url}/elsewhere"})
    providers = settings.providers.with_accounts(**{account: moved})
    (message,) = due(life)
    with opened(settings.model_copy(update={"providers": providers})) as elsewhere:
        stop_runs.run(elsewhere, *arguments(message))
    assert rows(life) == [(account, remote_id, 1)]
    try_to_stop(life)
    eventually(lambda: list(states(life).values()), lambda now: now == ["cancelled"])
    assert rows(life) == []


def put_off_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pause after a failed try last longer than the test."""
    monkeypatch.setattr(stop_runs, "_pause", lambda _tries: 3600.0)


def of(message: dict[str, Any]) -> str:
    """The generation of a message, as its task id tells."""
    return str(message["headers"]["id"]).partition(".")[0]


def waiting(own: Own) -> int:
    """The claims of runs to stop that wait for a lock."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%runs_to_stop%'"
    )
    with own.database.transaction() as session:
        found: int = session.execute(query).scalar_one()
    return found


def wakes_at(life: Life) -> datetime:
    """The next look at the only row of a generation."""
    with life.database.transaction() as session:
        query = text("SELECT wake_at FROM runs_to_stop WHERE generation_id = :id")
        found: datetime = session.execute(query, {"id": life.id}).scalar_one()
    return found


def test_the_task_stands_under_its_generation_in_flower(own: Own) -> None:
    life = own.begun(LOCAL)
    lose(life)
    (message,) = due(life)
    assert message["headers"]["id"] == f"{life.id}.stop.1"


def test_accounts_get_tries_beside_each_other_and_an_account_one(own: Own) -> None:
    lives = [own.begun(LOCAL), own.begun(LOCAL), own.begun(COMFYUI)]
    for life in lives:
        lose(life)
    messages = due(*lives)
    assert len(messages) == 2
    assert str(lives[2].id) in {of(message) for message in messages}
    assert sent(lives[0]) == [], "the other run of the account waits for the end of the try"


def test_a_silent_server_puts_all_runs_of_its_account_off(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    put_off_for_long(monkeypatch)
    lives = [own.begun(LOCAL, cancel_error=AWAY, cancel_error_times=9) for _ in range(2)]
    for life in lives:
        lose(life)
    tried = []
    for _ in range(4):
        (message,) = due(*lives)
        stop_runs.run(own.worker, *arguments(message))
        assert sent(lives[0]) == []
        tried.append(of(message))
    assert sorted(tried[:2]) == sorted(tried[2:]) == sorted(str(life.id) for life in lives), "they take turns"


def test_an_answer_makes_the_other_runs_of_its_account_due(own: Own) -> None:
    lives = [own.begun(LOCAL), own.begun(LOCAL)]
    for life in lives:
        lose(life)
    (message,) = due(*lives)
    stop_runs.run(own.worker, *arguments(message))
    (message,) = sent(lives[0])
    stop_runs.run(own.worker, *arguments(message))
    assert [(rows(life), list(states(life).values())) for life in lives] == [([], ["cancelled"])] * 2


def test_a_try_makes_older_wake_ups_of_its_account_void(own: Own) -> None:
    lives = [own.begun(LOCAL, cancel_error=AWAY, cancel_error_times=9) for _ in range(2)]
    for life in lives:
        lose(life)
    messages = [*due(lives[0]), *due(lives[1])]
    for message in messages:
        stop_runs.run(own.worker, *arguments(message))
    assert [cancels(life) for life in lives] == [[1], [0]]


def test_of_tries_at_once_an_account_gets_one(own: Own) -> None:
    lives = [own.begun(LOCAL), own.begun(LOCAL)]
    for life in lives:
        lose(life)
    (one, _), (two, _) = (arguments(due(life)[0]) for life in lives)
    with ThreadPoolExecutor(1) as other:

        def claim_the_second() -> Stopping | None:
            with own.database.statement() as sql:
                return runs_to_stop.claim(sql, UUID(two), turn=0)

        with own.database.statements() as sql:
            assert runs_to_stop.claim(sql, UUID(one), turn=0) is not None
            second = other.submit(claim_the_second)
            eventually(lambda: waiting(own), lambda count: count > 0)
        assert second.result() is None


def test_a_run_that_is_given_up_during_a_try_waits_for_the_end_of_the_try(own: Own) -> None:
    first, second = own.begun(LOCAL), own.begun(LOCAL)
    lose(first)
    (message,) = due(first)
    run_id, turn = arguments(message)
    with own.database.statement() as sql:
        assert runs_to_stop.claim(sql, UUID(run_id), turn=turn) is not None
    lose(second)
    assert wakes_at(second) >= wakes_at(first)


def test_a_run_that_its_generation_still_has_is_not_stopped(own: Own) -> None:
    """The answer of a create can name a run that an earlier worker has given up."""
    life = own.begun(LOCAL)
    remote_id = life.row.remote_id
    assert remote_id is not None
    with life.database.statement() as sql:
        runs_to_stop.add(sql, life.claim(), remote_id)
    try_to_stop(life)
    assert (rows(life), cancels(life), answers(life)) == ([], [0], [])
    assert life.row.stage is Stage.GENERATING


def test_the_tries_end_without_a_thread_too(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_PATIENCE_SECONDS", 0)
    life = own.begun(LOCAL)
    lose(life)
    change(life, f"tries = {stop_runs.MOST_TRIES}")
    with hanging(life, with_line=True):
        try_to_stop(life)
    assert (rows(life), cancels(life)) == ([], [0])


def test_a_run_of_long_ago_gets_one_try(own: Own) -> None:
    """All workers may have been away for longer than the tries last."""
    life = own.begun(LOCAL)
    lose(life)
    change(life, f"created_at = clock_timestamp() - interval '{stop_runs.LONGEST_SECONDS + 1} seconds'")
    assert stopped(life)


def test_a_fault_of_the_runs_to_stop_wakes_the_generations_all_the_same(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = own.begun(LOCAL)
    life.set("wake_at = clock_timestamp() - interval '1 day'")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(runs_to_stop, "take_due", broken)
    with Redis.from_url(own.worker.settings.redis_url) as redis:
        redis.delete(Queue.POLL.value)
        with pytest.raises(RuntimeError):
            wake(own.worker, [Queue.POLL])
        woken = [cast("bytes", each) for each in redis.lrange(Queue.POLL.value, 0, -1)]
        redis.delete(Queue.POLL.value)
    assert str(life.id) in {of(cast("dict[str, Any]", checked(each, Queue.POLL.value))) for each in woken}
