"""Kling's wire in its new dialect: creates and status reads. Source: https://kling.ai/document-api."""

from collections.abc import Sequence
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import JsonValue

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.images import ImageNotFetched, fetch_source
from sandbox.media_store import SourceImage
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import JsonObject, Task, new_task_id
from sandbox.validation import json_object
from sandbox.vendors.kling.account import KlingAccount
from sandbox.vendors.kling.callbacks import record
from sandbox.vendors.kling.errors import KlingError
from sandbox.vendors.kling.models import MAX_IMAGE_BYTES, prompt_of, read_create

_MOST_IDS = 20

Authorization = Annotated[str | None, Header(include_in_schema=False)]

router = APIRouter(prefix="/kling", tags=["Kling"])


@router.post("/{kind}/{model}")
async def create_task(
    kind: str,
    model: str,
    request: Request,
    sandbox: CurrentSandbox,
    authorization: Authorization = None,
) -> Response:
    """Start a task: `{"prompt": …, "settings": {…}, "options": {…}}` gives `{"data": {"id": …}}`."""
    sandbox.account(KlingAccount).authorize(authorization)
    body = await json_object(request)
    if body is None:
        raise KlingError(1200, "The request body is not a JSON object")
    path, prompt = f"{kind}/{model}", prompt_of(body)
    scenario, refusal = sandbox.scenarios.meet(prompt=prompt, model=path)
    try:
        await sandbox.lifetime.pause(scenario.create_latency_seconds)
        if refusal is not None:
            raise KlingError.asked_for(refusal)
        task = await _admit(sandbox, path, body, scenario)
    except KlingError as error:
        sandbox.creates.refused(prompt, error.code)
        raise
    sandbox.creates.accepted(prompt)
    accepted = {
        name: value
        for name, value in record(task, sandbox.config.public_url).items()
        if name in {"id", "create_time", "update_time", "external_id"}
    }
    running = sandbox.engine.start(task)
    if scenario.callback == "early":
        await sandbox.lifetime.until_stopped(running)
    return reply_to_create(scenario, _ok({**accepted, "status": "submitted"}))


@router.get("/tasks")
async def read_tasks(
    sandbox: CurrentSandbox, task_ids: str = "", external_task_ids: str = "", authorization: Authorization = None
) -> Response:
    """The states of up to 20 tasks, by Kling's ids or by the customer's; those that do not exist are left out."""
    account = sandbox.account(KlingAccount)
    account.authorize(authorization)
    if bool(task_ids) == bool(external_task_ids):
        raise KlingError(1201, "Give either task_ids or external_task_ids")
    ids = (task_ids or external_task_ids).split(",")
    if len(ids) > _MOST_IDS:
        raise KlingError(1201, f"Give at most {_MOST_IDS} ids")
    found = [task for name in ids if (task := account.task(name) if task_ids else account.task_of(name)) is not None]
    await _misbehave(sandbox, found)
    return _ok([record(task, sandbox.config.public_url) for task in found])


@router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def refuse_other_paths(path: str, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Whatever else Kling has, or had."""
    sandbox.account(KlingAccount).authorize(authorization)
    raise KlingError(1203, f"There is no resource {path}")


async def _misbehave(sandbox: Sandbox, tasks: Sequence[Task]) -> None:
    """Wait and fail as the scenarios of these tasks say."""
    refusals = []
    for task in tasks:
        number = task.count_read()
        if task.scenario.poll_error is not None and number <= task.scenario.poll_error_times:
            refusals.append(KlingError.asked_for(task.scenario.poll_error))
    await sandbox.lifetime.pause(max((task.scenario.poll_latency_seconds for task in tasks), default=0))
    if refusals:
        raise refusals[0]


async def _admit(sandbox: Sandbox, model: str, body: JsonObject, scenario: Scenario) -> Task:
    """The task, kept by the account. Raises `KlingError`."""
    wanted = read_create(model, body)
    task_id = new_task_id()
    source = await _source(sandbox, wanted.image_sources(), task_id)
    try:
        spec = wanted.spec(source)
        task = Task(
            id=task_id,
            external_id=wanted.options.external_task_id,
            model=model,
            prompt=prompt_of(body),
            request=body,
            call_back_url=wanted.options.callback_url,
            spec=spec,
            source=source,
            credits=wanted.units,
            seconds=generation_seconds(sandbox.config, scenario, spec),
            scenario=scenario,
            writer=sandbox.account(KlingAccount).callbacks,
        )
        sandbox.account(KlingAccount).admit(task)
    except KlingError:
        if source is not None:
            source.path.unlink()
        raise
    return task


async def _source(sandbox: Sandbox, urls: Sequence[str], task_id: str) -> SourceImage | None:
    fetching = fetch_source(
        urls, task_id=task_id, max_bytes=MAX_IMAGE_BYTES, client=sandbox.client, media=sandbox.media
    )
    try:
        return await sandbox.lifetime.until_stopped(fetching)
    except ImageNotFetched as error:
        raise KlingError(1201, str(error)) from None


def _ok(data: JsonValue) -> Response:
    return JSONResponse({"code": 0, "message": "SUCCEED", "request_id": uuid4().hex, "data": data})
