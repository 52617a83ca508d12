"""Vendors run a limited number of an account's tasks at once. The others wait, as the vendor tells."""

from collections.abc import Iterator

import pytest

from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from tests.sandbox.harness import Fal, Kie, Runway, eventually

# Work begins after a quarter of its time. The rest is long enough for some reads on a busy machine.
LONG = 16
TINY = Delivered(width=64, height=64, duration_seconds=1)


@pytest.fixture
def limited(sandbox: SandboxClient) -> Iterator[SandboxClient]:
    """A sandbox that runs one task of each vendor at a time."""
    sandbox.reset()
    sandbox.lift_limits()
    sandbox.set_limits(kie_concurrency=1, fal_concurrency=1, runway_concurrency=1)
    yield sandbox
    sandbox.reset()
    sandbox.lift_limits()


def test_fal_keeps_the_excess_in_its_queue_with_a_place(fal: Fal, limited: SandboxClient) -> None:
    limited.add_scenario(Scenario(match=Match(prompt_contains=fal.word), seconds=LONG, delivered=TINY))
    first, second, third = (fal.create() for _ in range(3))

    def status(accepted: dict[str, str]) -> tuple[str, int | None]:
        answer = fal.http.get(accepted["status_url"]).json()
        return answer["status"], answer.get("queue_position")

    eventually(lambda: status(first) == ("IN_PROGRESS", None) and status(third) == ("IN_QUEUE", 1))
    fal.http.put(second["cancel_url"])
    limited.finish(fal.word)
    eventually(lambda: status(third) == ("COMPLETED", None))
    assert fal.http.get(second["status_url"]).status_code == 404


def test_runway_throttles_the_excess_of_a_model_and_begins_it_later(runway: Runway, limited: SandboxClient) -> None:
    limited.add_scenario(Scenario(match=Match(prompt_contains=runway.word), seconds=LONG))
    tasks = [runway.create() for _ in range(3)]
    other = runway.create("text_to_video", model="gen4.5", ratio="1280:720", duration=2)

    def statuses() -> list[str]:
        return [runway.read(task).json()["status"] for task in tasks]

    eventually(lambda: statuses().count("RUNNING") == 1 and statuses().count("THROTTLED") == 2)
    eventually(lambda: runway.read(other).json()["status"] in {"RUNNING", "SUCCEEDED"})
    runway.delete(tasks[1])
    limited.finish(runway.word)
    assert runway.finish(tasks[2])["status"] == "SUCCEEDED"


def test_kies_excess_waits_and_a_higher_limit_lets_it_run(kie: Kie, limited: SandboxClient) -> None:
    limited.add_scenario(Scenario(match=Match(prompt_contains=kie.word), seconds=1))
    limited.set_limits(kie_concurrency=0)
    tasks = [kie.create() for _ in range(2)]
    limited.set_limits(kie_concurrency=2)
    assert [kie.finish(task)["state"] for task in tasks] == ["success", "success"]
