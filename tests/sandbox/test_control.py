import json

import httpx
import pytest

from sandbox.client import SandboxClient
from sandbox.control_models import Limits, Peaks
from sandbox.scenarios import Match, Scenario
from tests.sandbox.harness import Kie, Receiver


def test_health_is_ok(sandbox: SandboxClient) -> None:
    assert sandbox.health().sandbox is True


@pytest.mark.parametrize(
    "path", ["/_sandbox/health", "/nothing", "/kie/api/v1/chat/credit", "/files/nothing.png", "/openapi.json"]
)
def test_every_response_has_the_sandbox_header(kie: Kie, path: str) -> None:
    assert kie.http.get(path).headers["X-Reelworks-Sandbox"] == "true"


def test_task_report_has_the_creates_fields(kie: Kie, sandbox: SandboxClient) -> None:
    task_id = kie.create(fields={"aspect_ratio": "16:9"})
    kie.finish(task_id)
    (task,) = sandbox.tasks(kie.word)

    assert (task.task_id, task.model, task.state) == (task_id, "google/nano-banana", "success")
    assert (task.prompt, task.call_back_url) == (f"a boat {kie.word}", None)
    assert task.request["input"] == {"prompt": task.prompt, "aspect_ratio": "16:9"}
    assert task.polls >= 2
    assert task.completed_at is not None
    assert task.completed_at >= task.created_at
    assert sandbox.tasks("a word in no prompt") == []
    assert sandbox.requests("a word in no prompt").accepted == 0


def test_limits_change_one_by_one(sandbox: SandboxClient) -> None:
    sandbox.reset()
    first = Limits(
        creates_per_10_seconds=20,
        reads_per_second=10,
        credits=1_000_000,
        kie_concurrency=100,
        fal_concurrency=40,
        kling_concurrency=1000,
        runway_concurrency=20,
        local_concurrency=40,
    )
    assert sandbox.set_limits() == first
    for number, field in enumerate(Limits.model_fields, start=2):
        change = {"credits_" if field == "credits" else field: number}
        assert getattr(sandbox.set_limits(**change), field) == number
    assert sandbox.set_limits() == Limits.model_validate(
        dict(zip(Limits.model_fields, range(2, 2 + len(Limits.model_fields)), strict=True))
    )


def test_reset_deletes_everything(kie: Kie, sandbox: SandboxClient) -> None:
    finished = kie.create()
    url = kie.result_url(finished)
    sandbox.add_scenario(Scenario(match=Match(prompt_contains=kie.word), seconds=3600))
    kie.create()

    sandbox.reset()

    assert sandbox.tasks() == []
    assert sandbox.requests().accepted == 0
    assert kie.read(finished).json()["code"] == 404
    assert kie.http.get(url).status_code == 404
    assert kie.finish(kie.create())["state"] == "success"


def test_deleting_an_unknown_scenario_is_404(sandbox: SandboxClient) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        sandbox.delete_scenario("no-such-scenario")


def test_openapi_document_describes_the_control_api(kie: Kie) -> None:
    schema = kie.http.get("/openapi.json").json()

    assert kie.http.get("/docs").status_code == 200
    properties = schema["components"]["schemas"]["Scenario"]["properties"]
    assert "one of" not in properties["callback"]["description"]
    assert all(operation["description"] for path in schema["paths"].values() for operation in path.values())


def test_adopted_prefix_makes_unknown_ids_running_tasks(kie: Kie, sandbox: SandboxClient) -> None:
    assert kie.read("adopted-1").json()["code"] == 404
    sandbox.adopt("adopted-")
    records = [kie.read("adopted-1").json()["data"] for _ in range(2)]

    assert [record["state"] for record in records] == ["generating", "generating"]
    assert kie.read("another-1").json()["code"] == 404
    (task,) = sandbox.tasks("adopted-")
    assert (task.task_id, task.polls) == ("adopted-1", 2)
    assert task.polled_at is not None
    assert task.polled_at >= task.created_at

    sandbox.reset()
    assert kie.read("adopted-1").json()["code"] == 404


@pytest.mark.parametrize(("outcome", "state"), [("success", "success"), ("fail", "fail")])
def test_finish_ends_a_task_at_once_and_calls_back(
    kie: Kie, sandbox: SandboxClient, receiver: Receiver, outcome: str, state: str
) -> None:
    match = Match(prompt_contains=kie.word)
    sandbox.add_scenario(Scenario.model_validate({"match": match, "seconds": 3600, "outcome": outcome}))
    task_id = kie.create(call_back_url=receiver.url)
    assert kie.read(task_id).json()["data"]["state"] == "waiting"

    sandbox.finish(kie.word)

    assert kie.finish(task_id)["state"] == state
    (callback,) = receiver.wait_for(1)
    assert json.loads(callback.body)["data"]["state"] == state
    sandbox.finish(kie.word)
    assert sandbox.tasks(kie.word)[0].state == state


def test_finishing_an_unknown_task_is_404(kie: Kie) -> None:
    answer = kie.http.post("/_sandbox/tasks/no-such-task/finish")

    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no task no-such-task")


def test_peaks_are_the_most_tasks_at_once_and_the_most_creates_within_a_span(kie: Kie, sandbox: SandboxClient) -> None:
    first, _ = kie.create(), kie.create()
    assert sandbox.peaks(kie.word) == Peaks(in_flight=2, creates_in_window=2)
    sandbox.finish(kie.word)
    kie.finish(first)
    kie.create()
    assert sandbox.peaks(kie.word).creates_in_window == 3
    assert sandbox.peaks(kie.word, window_seconds=1e-6).creates_in_window == 1
    assert sandbox.peaks("a word in no prompt") == Peaks(in_flight=0, creates_in_window=0)
