import pytest
from pydantic import ValidationError

from sandbox.client import SandboxClient
from sandbox.control_models import TaskReport
from sandbox.scenarios import ErrorReply, Match, Scenario
from tests.sandbox.harness import Replicate, eventually

LONG = 3600


def scenario(replicate: Replicate, sandbox: SandboxClient, **fields: object) -> None:
    match = Match(prompt_contains=replicate.word)
    sandbox.add_scenario(Scenario.model_validate({"match": match, **fields}))


def report(replicate: Replicate, sandbox: SandboxClient) -> TaskReport:
    (task,) = sandbox.tasks(replicate.word)
    return task


def test_cancel_stops_the_work_at_once(replicate: Replicate, sandbox: SandboxClient) -> None:
    scenario(replicate, sandbox, seconds=LONG)
    prediction_id = replicate.create()
    assert report(replicate, sandbox).cancels == 0

    answer = replicate.cancel(prediction_id)

    assert (answer.status_code, answer.json()["status"], answer.json()["output"]) == (200, "canceled", None)
    assert replicate.read(prediction_id).json() == answer.json()
    task = report(replicate, sandbox)
    assert (task.state, task.cancels) == ("cancelled", 1)
    assert task.completed_at is not None
    assert task.completed_at - task.created_at < LONG


def test_cancelled_work_stays_cancelled_and_leaves_no_result(replicate: Replicate, sandbox: SandboxClient) -> None:
    scenario(replicate, sandbox, seconds=LONG)
    prediction_id = replicate.create()
    stopped = replicate.cancel(prediction_id).json()
    later = replicate.create()
    sandbox.finish(replicate.word)
    # Work that was released later has ended, so this work would have ended, too.
    assert replicate.finish(later)["status"] == "succeeded"
    assert replicate.read(prediction_id).json() == stopped
    assert replicate.http.get(f"/files/{prediction_id}.png").status_code == 404


def test_work_cancelled_before_its_beginning_has_no_run_time(replicate: Replicate, sandbox: SandboxClient) -> None:
    scenario(replicate, sandbox, seconds=LONG)
    prediction = replicate.cancel(replicate.create()).json()
    assert "started_at" not in prediction
    assert prediction["metrics"]["predict_time"] == 0


def test_second_cancel_has_no_effect(replicate: Replicate, sandbox: SandboxClient) -> None:
    scenario(replicate, sandbox, seconds=LONG)
    prediction_id = replicate.create()
    assert replicate.cancel(prediction_id).json() == replicate.cancel(prediction_id).json()
    assert report(replicate, sandbox).cancels == 2


def test_finished_work_stays_as_it_is(replicate: Replicate, sandbox: SandboxClient) -> None:
    prediction_id = replicate.create()
    done = replicate.finish(prediction_id)
    assert replicate.cancel(prediction_id).json() == done
    assert (report(replicate, sandbox).state, report(replicate, sandbox).cancels) == ("success", 1)


def test_slow_cancel_is_answered_while_the_work_still_runs(replicate: Replicate, sandbox: SandboxClient) -> None:
    scenario(replicate, sandbox, seconds=LONG, cancel="slow", cancel_seconds=0.2)
    prediction_id = replicate.create()
    assert replicate.cancel(prediction_id).json()["status"] == "starting"
    replicate.cancel(prediction_id)
    assert replicate.finish(prediction_id)["status"] == "canceled"
    assert report(replicate, sandbox).cancels == 2


def test_work_may_end_before_a_slow_cancel_reaches_it(replicate: Replicate, sandbox: SandboxClient) -> None:
    scenario(replicate, sandbox, seconds=LONG, cancel="slow", cancel_seconds=LONG)
    prediction_id = replicate.create()
    replicate.cancel(prediction_id)
    sandbox.finish(replicate.word)
    assert replicate.finish(prediction_id)["status"] == "succeeded"


def test_ignored_cancel_stops_nothing(replicate: Replicate, sandbox: SandboxClient) -> None:
    scenario(replicate, sandbox, seconds=LONG, cancel="ignored")
    prediction_id = replicate.create()
    assert replicate.cancel(prediction_id).json()["status"] == "starting"
    sandbox.finish(replicate.word)
    assert replicate.finish(prediction_id)["status"] == "succeeded"
    assert report(replicate, sandbox).cancels == 1


def test_cancels_are_refused_n_times(replicate: Replicate, sandbox: SandboxClient) -> None:
    busy = ErrorReply(http_status=503, code=503, msg="busy", retry_after=1)
    scenario(replicate, sandbox, seconds=LONG, cancel_error=busy, cancel_error_times=2)
    prediction_id = replicate.create()
    answers = [replicate.cancel(prediction_id) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[2].json()["status"] == "canceled"
    assert report(replicate, sandbox).cancels == 3


def test_reset_also_ends_a_slow_cancel(replicate: Replicate, sandbox: SandboxClient) -> None:
    scenario(replicate, sandbox, seconds=LONG, cancel="slow", cancel_seconds=LONG)
    replicate.cancel(replicate.create())
    sandbox.reset()
    eventually(lambda: sandbox.tasks() == [])


def test_cancel_seconds_require_a_slow_cancel() -> None:
    with pytest.raises(ValidationError, match='cancel_seconds has an effect only with cancel = "slow"'):
        Scenario(cancel_seconds=1)
