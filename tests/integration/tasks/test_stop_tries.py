"""Runs to stop: which of them are remembered at a deadline, whose turn a try is, and which errors end no row."""
# ruff: noqa: F811 -- the fixture `own`

import math

import pytest

from schemas.enums import ErrorCode, Stage
from stack.stack import Stack
from storage import callbacks
from storage.leases import Lease
from tasks import stop_runs, threads
from tasks.send import send
from tests.integration.tasks.conftest import Life
from tests.integration.tasks.test_late_creates import by_deadline
from tests.integration.tasks.test_lost import opened
from tests.integration.tasks.test_shared_threads import hanging
from tests.integration.tasks.test_stop_runs import (
    FREE,
    LOCAL,
    LONG,
    STOPPING,
    Own,
    arguments,
    cancels,
    due,
    lose,
    own,  # noqa: F401 -- a fixture
    rows,
    states,
    try_to_stop,
)
from tests.integration.tasks.test_submit import declared, request_of
from tests.support import eventually

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
    sender = declared(life)
    send(life.worker, sender, Lease(life.id, until=math.inf), request_of(sender))
    (task,) = life.sandbox.tasks(life.word)
    with life.database.statement() as sql:
        callbacks.record(sql, life.row.provider, life.id, remote_id=task.task_id, body=b"begun", resend_after=3600)
    by_deadline(life)
    assert life.step() is Stage.FAILED
    assert (rows(life), cancels(life)) == ([("gpu_1", task.task_id, 0)], [0])
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
