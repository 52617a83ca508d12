"""Runway's wire: creates, a task's state, stopping or deleting a task, and the organization's credits.

Source: https://docs.dev.runwayml.com/api.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.images import ImageNotFetched
from sandbox.media_store import SourceImage
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import JsonObject, Task, new_task_id
from sandbox.validation import json_object
from sandbox.vendors.runway.account import RunwayAccount
from sandbox.vendors.runway.creates import RunwayCreate
from sandbox.vendors.runway.errors import RunwayError
from sandbox.vendors.runway.inputs import Inputs
from sandbox.vendors.runway.models import prompt_of, read_create
from sandbox.vendors.runway.uploads import BucketError
from sandbox.videos import VideoNotFetched

_NO_CONTENT = 204

router = APIRouter(prefix="/runway", tags=["Runway"])


async def _authorized(
    sandbox: CurrentSandbox,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
    x_runway_version: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> RunwayAccount:
    account = sandbox.account(RunwayAccount)
    account.authorize(authorization, x_runway_version)
    return account


CurrentAccount = Annotated[RunwayAccount, Depends(_authorized)]


@router.post("/v1/uploads")
async def begin_upload(request: Request, account: CurrentAccount) -> Response:
    """Prepare an upload: `{"filename": …, "type": "ephemeral"}` gives the URL and the form fields of the upload."""
    body = await json_object(request)
    if body is None:
        raise RunwayError(400, "The request body is not a JSON object")
    return JSONResponse(account.uploads.begin(body))


@router.post("/bucket/{upload_id}", status_code=_NO_CONTENT)
async def upload(upload_id: str, request: Request, sandbox: CurrentSandbox) -> Response:
    """Receive an upload. The bucket knows no key of Runway's and requires none."""
    try:
        sandbox.account(RunwayAccount).uploads.take(upload_id, request.headers, await request.body())
    except BucketError as error:
        return Response(f"<Error><Code>{error}</Code></Error>", error.status, media_type="application/xml")
    return Response(status_code=_NO_CONTENT)


@router.post("/v1/{endpoint}")
async def create_task(endpoint: str, request: Request, sandbox: CurrentSandbox, account: CurrentAccount) -> Response:
    """Start a task: `{"model": …, "promptText": …, "ratio": "1280:720", …}` gives `{"id": …}`."""
    body = await json_object(request)
    if body is None:
        raise RunwayError(400, "The request body is not a JSON object")
    prompt = prompt_of(body)
    scenario, refusal = sandbox.scenarios.match(prompt=prompt, model=f"{endpoint}/{body.get('model')}")
    try:
        await sandbox.arrived(prompt, scenario)
        if refusal is not None:
            raise RunwayError.of_scenario(refusal)
        task = await _task(sandbox, account, endpoint, body, scenario)
    except RunwayError as error:
        sandbox.creates.refused(prompt, error.code)
        raise
    sandbox.creates.accepted(prompt)
    sandbox.engine.start(task)
    return reply_to_create(scenario, JSONResponse({"id": task.id, "estimatedCost": {"credits": task.credits}}))


@router.get("/v1/tasks/{task_id}")
async def read_task(task_id: str, sandbox: CurrentSandbox, account: CurrentAccount) -> Response:
    """The present state of a task; after the end with new links to its results."""
    task = _find(sandbox, account, task_id)
    scenario, number = task.scenario, task.count_read()
    await sandbox.lifetime.pause(scenario.poll_latency_seconds)
    if scenario.poll_error is not None and number <= scenario.poll_error_times:
        raise RunwayError.of_scenario(scenario.poll_error)
    return JSONResponse(task.writer.body(task))


@router.delete("/v1/tasks/{task_id}", status_code=_NO_CONTENT)
async def delete_task(task_id: str, sandbox: CurrentSandbox, account: CurrentAccount) -> Response:
    """Stop an open task or delete a finished one. Later reads find neither."""
    task = _find(sandbox, account, task_id)
    task.cancels += 1
    error = task.scenario.cancel_error
    if error is not None and task.cancels <= task.scenario.cancel_error_times:
        raise RunwayError.of_scenario(error)
    sandbox.engine.cancel(task)
    account.delete(task)
    return Response(status_code=_NO_CONTENT)


@router.get("/v1/organization")
async def read_organization(account: CurrentAccount) -> Response:
    """The remaining credits, and each model's daily limit and number of generations."""
    return JSONResponse(account.organization())


@router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def refuse_other_paths(path: str, _account: CurrentAccount) -> Response:
    """Refuse all other paths of Runway."""
    raise RunwayError(404, f"There is no endpoint /{path}")


async def _task(sandbox: Sandbox, account: RunwayAccount, endpoint: str, body: JsonObject, scenario: Scenario) -> Task:
    """The new task, charged to the account. Raises `RunwayError`."""
    wanted = read_create(endpoint, body)
    task_id = new_task_id()
    source = await _source(sandbox, account, wanted, task_id)
    try:
        account.charge(wanted.credits, str(body["model"]))
    except RunwayError:
        if source is not None:
            source.path.unlink()
        raise
    spec = wanted.spec()
    return Task(
        id=task_id,
        model=f"{endpoint}/{body['model']}",
        prompt=prompt_of(body),
        request=body,
        call_back_url=None,
        spec=spec,
        source=source,
        credits=wanted.credits,
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=account.records,
        slots=account.slots[str(body["model"])],
    )


async def _source(sandbox: Sandbox, account: RunwayAccount, wanted: RunwayCreate, task_id: str) -> SourceImage | None:
    """Fetch and check all inputs of a create and return the first picture. Raises `RunwayError` 400."""
    inputs = Inputs(account.uploads, sandbox.client, sandbox.media)
    try:
        if wanted.video_source is not None:
            wanted.take(await sandbox.lifetime.until_stopped(inputs.video(wanted.video_source)))
        picture = await sandbox.lifetime.until_stopped(inputs.images(wanted.image_sources(), task_id))
    except (ImageNotFetched, VideoNotFetched) as error:
        raise RunwayError(400, str(error)) from None
    wanted.take_picture(picture)
    return picture


def _find(sandbox: Sandbox, account: RunwayAccount, task_id: str) -> Task:
    task = sandbox.engine.task(task_id)
    if task is None or not account.owns(task):
        raise RunwayError(404, f"Task {task_id} not found")
    return task
