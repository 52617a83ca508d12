import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from pydantic import JsonValue

from schemas.enums import TaskName
from tests.e2e.conftest import FLOWER_LOGIN, System, flat
from tests.support import eventually

# The start of Flower and its history take half a minute.
pytestmark = pytest.mark.slow

# The worker of the poll goes on to the download, and the worker of the store to the settlement.
VIDEO: dict[str, JsonValue] = {"model": "kling-2.6-text-to-video", "duration_seconds": 5}
VIDEO_TASKS = {
    "generation.submit", "generation.wait", "generation.poll", "generation.download", "generation.store",
    "generation.settle",
}  # fmt: skip


@pytest.fixture
def flower(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.stack.flower_url, auth=FLOWER_LOGIN, timeout=100, trust_env=False) as client:
        yield client


def listed(flower: httpx.Client) -> dict[str, dict[str, Any]]:
    tasks: dict[str, dict[str, Any]] = flower.get("/api/tasks", params={"limit": 10_000}).raise_for_status().json()
    return tasks


def test_without_the_login_there_is_nothing_to_see(system: System) -> None:
    for path in ("/", "/tasks", "/api/tasks", "/api/workers", "/metrics"):
        assert httpx.get(system.stack.flower_url + path, timeout=100, trust_env=False).status_code == 401


def test_every_task_stands_under_the_generations_id_and_nothing_of_the_request_does(
    system: System, flower: httpx.Client
) -> None:
    customer = system.customer()
    word = system.behave()
    seen = system.make(customer, word, **VIDEO)

    def shown() -> dict[str, str]:
        return {task_id: task["name"] for task_id, task in listed(flower).items() if task_id.startswith(seen.id)}

    def ended() -> set[str]:
        return {listed(flower)[task_id]["state"] for task_id in shown()}

    tasks = eventually(shown, lambda found: set(found.values()) >= VIDEO_TASKS)
    assert set(tasks.values()) == VIDEO_TASKS
    assert eventually(ended, lambda states: states == {"SUCCESS"}) == {"SUCCESS"}

    everything = flat(listed(flower)) + "".join(flower.get(f"/task/{task_id}").text for task_id in tasks)
    settings = system.stack.settings
    for secret in (
        word,
        customer.api_key,
        settings.providers.named("kie").api_key.get_secret_value(),
        settings.s3.secret_key.get_secret_value(),
        settings.secret_key.get_secret_value(),
        system.stack.sandbox_url,
    ):
        assert secret not in everything
    assert re.findall(r"/callbacks/|X-Amz-Signature", everything) == []


def test_what_came_through_the_redis_door_is_hidden(system: System, flower: httpx.Client) -> None:
    customer = system.customer()
    word = system.behave()
    sent_id, answer = system.enqueue(
        customer_id=str(customer.id), request={"model": "nano-banana", "prompt": f"a boat {word}"}
    )
    system.finished(customer, str(answer["id"]))
    tasks = eventually(lambda: listed(flower), lambda found: found.get(sent_id, {}).get("state") == "SUCCESS")
    assert (tasks[sent_id]["args"], tasks[sent_id]["kwargs"]) == ("(hidden)", "(hidden)")
    assert word not in flat(tasks)


def test_flower_shows_the_process_that_tells_events(flower: httpx.Client) -> None:
    def online() -> dict[str, bool]:
        workers = flower.get("/workers", params={"json": 1}).raise_for_status().json()["data"]
        return {worker["hostname"].partition("@")[0]: worker["status"] for worker in workers}

    eventually(online, lambda found: found.get("notify") is True)


def test_the_wait_at_the_vendor_and_a_failure_show_at_their_stages(system: System, flower: httpx.Client) -> None:
    customer = system.customer()
    seen = system.make(customer, system.behave(outcome="fail"), **VIDEO)
    wait = f"{seen.id}.wait.0"
    task = eventually(lambda: listed(flower).get(wait, {}), lambda found: found.get("state") == "FAILURE")
    assert (task["name"], task["exception"]) == ("generation.wait", "failed")
    assert "kling-2.6-text-to-video" in task["kwargs"]


def test_the_wake_ups_of_every_second_are_not_listed(system: System, flower: httpx.Client) -> None:
    system.make(system.customer(), system.behave(), **VIDEO)
    # Flower shows a task without a name whose first event came before Flower listened, until the next one comes.
    names = eventually(lambda: {task["name"] for task in listed(flower).values()}, lambda found: found >= VIDEO_TASKS)
    assert names.isdisjoint({TaskName.WAKE, TaskName.GRANT})


def test_a_search_in_the_address_finds_the_tasks_of_a_generation(system: System, flower: httpx.Client) -> None:
    customer = system.customer()
    seen = system.make(customer, system.behave(), **VIDEO)
    page = flower.get("/tasks", params={"search": seen.id})
    assert page.status_code == 302
    search = f"name:{unquote(page.headers['location'].partition('name=')[2])}"

    def found() -> set[str]:
        table: dict[str, str | int] = {
            "draw": 1,
            "start": 0,
            "length": 100,
            "search[value]": search,
            "order[0][column]": 0,
        }
        rows = (
            flower.get("/tasks/datatable", params={**table, "search[value]": search, "columns[0][data]": "name"})
            .raise_for_status()
            .json()
        )
        return {row["name"] for row in rows["data"] if row["uuid"].startswith(seen.id)}

    eventually(found, lambda names: names >= VIDEO_TASKS)
    task = flower.get(f"/task/{seen.id}.wait.0").text
    assert f"reelworks inspect {seen.id}" in task
