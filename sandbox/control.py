"""The control API. Tests and the demo request misbehaviour with it and read the sandbox's records."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from sandbox.control_models import (
    Adoption,
    CallbackOrder,
    CallbackReport,
    Health,
    Limits,
    LimitsChange,
    Peaks,
    RequestCounts,
    Restart,
    ScenarioAdded,
    TaskReport,
)
from sandbox.peaks import peaks
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox
from sandbox.task import Seal, Task
from sandbox.vendors.comfyui.account import ComfyAccount
from sandbox.vendors.fal.account import FalAccount
from sandbox.vendors.kie.account import KieAccount
from sandbox.vendors.kling.account import KlingAccount
from sandbox.vendors.local.account import LocalAccount
from sandbox.vendors.openai_videos.account import OpenAIVideosAccount
from sandbox.vendors.runway.account import RunwayAccount

router = APIRouter(prefix="/_sandbox", tags=["control"])


@router.get("/health")
async def health() -> Health:
    """Whether the server answers."""
    return Health()


@router.post("/reset", status_code=204)
async def reset(sandbox: CurrentSandbox) -> None:
    """Delete scenarios, tasks, media and counts, abandon running work, and restore limits and credits."""
    sandbox.reset()


@router.post("/scenarios", status_code=201)
async def add_scenario(scenario: Scenario, sandbox: CurrentSandbox) -> ScenarioAdded:
    """Request misbehaviour. A task keeps the scenario that matched at its creation."""
    return ScenarioAdded(id=sandbox.scenarios.add(scenario))


@router.delete("/scenarios/{scenario_id}", status_code=204)
async def delete_scenario(scenario_id: str, sandbox: CurrentSandbox) -> None:
    """End a scenario for future tasks."""
    if not sandbox.scenarios.remove(scenario_id):
        raise HTTPException(404, f"there is no scenario {scenario_id}")


@router.get("/tasks")
async def list_tasks(sandbox: CurrentSandbox, prompt_contains: str = "") -> list[TaskReport]:
    """The accepted tasks, oldest first."""
    return [_report(task) for task in sandbox.engine.tasks(prompt_contains)]


@router.post("/tasks/{task_id}/finish", status_code=204)
async def finish_task(task_id: str, sandbox: CurrentSandbox) -> None:
    """End a task now, as if its time were over. A finished task stays as it is."""
    task = sandbox.engine.task(task_id)
    if task is None:
        raise HTTPException(404, f"there is no task {task_id}")
    sandbox.engine.finish(task)


@router.get("/requests")
async def count_requests(sandbox: CurrentSandbox, prompt_contains: str = "") -> RequestCounts:
    """The numbers of creates that arrived, and of accepted and refused ones."""
    return sandbox.creates.counts(prompt_contains)


@router.get("/peaks")
async def show_peaks(
    sandbox: CurrentSandbox, prompt_contains: str = "", window_seconds: Annotated[float, Query(gt=0)] = 10
) -> Peaks:
    """The most tasks at once and the most creates within a span, of the accepted tasks."""
    return peaks(sandbox.engine.tasks(prompt_contains), window_seconds=window_seconds)


@router.post("/callbacks")
async def send_callback(order: CallbackOrder, sandbox: CurrentSandbox) -> CallbackReport:
    """Send one callback now, without retries, and return the receiver's answer."""
    task = sandbox.engine.task(order.task_id)
    if task is None:
        raise HTTPException(404, f"there is no task {order.task_id}")
    url = order.url or task.call_back_url
    if url is None:
        raise HTTPException(409, "the task has no callback URL; give a url")
    sending = sandbox.callbacks.send_now(task, url, seal=_seal(order), body=order.body)
    return CallbackReport.model_validate(asdict(await sandbox.lifetime.until_stopped(sending)))


@router.post("/adoptions", status_code=204)
async def adopt(adoption: Adoption, sandbox: CurrentSandbox) -> None:
    """Treat every id with this prefix as a Kie task, without the cost of creates. Replaces an earlier adoption."""
    sandbox.account(KieAccount).adopted_prefix = adoption.id_prefix


@router.post("/restarts", status_code=204)
async def restart(wanted: Restart, sandbox: CurrentSandbox) -> None:
    """Restart a simulated server: its queue, its history and what runs are gone; files that it saved stay."""
    match wanted.vendor:
        case "comfyui":
            await sandbox.account(ComfyAccount).restart(wanted.seconds)
        case "openai_videos":
            for task in sandbox.engine.tasks(""):
                sandbox.account(OpenAIVideosAccount).delete(task)


@router.put("/limits")
async def set_limits(change: LimitsChange, sandbox: CurrentSandbox) -> Limits:
    """Change the accounts' limits and Kie's balance. Answers the limits in force."""
    kie, fal, kling = sandbox.account(KieAccount), sandbox.account(FalAccount), sandbox.account(KlingAccount)
    runway = sandbox.account(RunwayAccount).slots.values()
    if change.creates_per_10_seconds is not None:
        kie.creates.limit = change.creates_per_10_seconds
    if change.reads_per_second is not None:
        kie.reads.limit = change.reads_per_second
    if change.credits is not None:
        kie.credits = change.credits
    if change.kling_concurrency is not None:
        kling.concurrency = change.kling_concurrency
    local = sandbox.account(LocalAccount).slots
    slots = (
        (kie.slots, change.kie_concurrency),
        (fal.slots, change.fal_concurrency),
        (local, change.local_concurrency),
    )
    for each, limit in (*slots, *((of_model, change.runway_concurrency) for of_model in runway)):
        if limit is not None:
            each.limit = limit
    return Limits(
        creates_per_10_seconds=kie.creates.limit,
        reads_per_second=kie.reads.limit,
        credits=kie.credits,
        kie_concurrency=kie.slots.limit,
        fal_concurrency=fal.slots.limit,
        kling_concurrency=kling.concurrency,
        runway_concurrency=min(each.limit for each in runway),
        local_concurrency=local.limit,
    )


def _seal(order: CallbackOrder) -> Seal:
    if order.signed == "wrong":
        return Seal.WRONG
    return Seal.TRUE if order.signed else Seal.ABSENT


def _report(task: Task) -> TaskReport:
    return TaskReport(
        task_id=task.id,
        model=task.model,
        prompt=task.prompt,
        request=task.request,
        call_back_url=task.call_back_url,
        state=task.scenario.state_word or task.state,
        created_at=task.created_at,
        completed_at=task.completed_at,
        polls=task.polls,
        polled_at=task.polled_at,
        cancels=task.cancels,
        downloads=task.downloads,
        callbacks=[CallbackReport.model_validate(asdict(sent)) for sent in task.callbacks],
    )
