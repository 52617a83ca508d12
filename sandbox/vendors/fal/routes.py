"""fal's queue: creates for any model, and the links to state, result and cancel.

Source: https://fal.ai/docs/api-reference/inference-api.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter, ValidationError

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.images import ImageNotFetched, fetch_source
from sandbox.media_store import SourceImage
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import JsonObject, Task, new_task_id
from sandbox.validation import HttpUrlText, json_object
from sandbox.vendors.fal.account import FalAccount
from sandbox.vendors.fal.errors import FalError
from sandbox.vendors.fal.models import FalInput, prompt_of, read_input
from sandbox.vendors.fal.record import app_of, was_removed

_NOT_FOUND = 404
_MAX_IMAGE_BYTES = 50 * 1024**2
_WEBHOOK: TypeAdapter[str | None] = TypeAdapter(HttpUrlText | None)

Authorization = Annotated[str | None, Header(include_in_schema=False)]

router = APIRouter(prefix="/fal", tags=["fal"])


@router.get("/.well-known/jwks.json")
async def webhook_keys(sandbox: CurrentSandbox) -> Response:
    """The public keys of webhooks, without authorization. fal serves them from another host."""
    return JSONResponse(sandbox.account(FalAccount).webhooks.key_set)


@router.post("/{model:path}")
async def submit(
    model: str,
    request: Request,
    sandbox: CurrentSandbox,
    fal_webhook: str | None = None,
    authorization: Authorization = None,
) -> Response:
    """Queue a request. The body is the model's input; the answer has the request's id and links."""
    account = sandbox.account(FalAccount)
    account.authorize(authorization)
    body = await json_object(request)
    if body is None:
        raise FalError(422, [{"loc": ["body"], "msg": "The body is not a JSON object", "type": "json_invalid"}])
    prompt = prompt_of(body)
    scenario, refusal = sandbox.scenarios.match(prompt=prompt, model=model)
    try:
        await sandbox.arrived(prompt, scenario)
        if refusal is not None:
            raise FalError.of_scenario(refusal)
        task = await _task(sandbox, model, body, fal_webhook, scenario)
    except FalError as error:
        sandbox.creates.refused(prompt, error.code)
        raise
    sandbox.creates.accepted(prompt)
    running = sandbox.engine.start(task)
    if scenario.callback == "early":
        await sandbox.lifetime.until_stopped(running)
    return reply_to_create(scenario, JSONResponse(account.records.accepted(task)))


@router.get("/{owner}/{app}/requests/{request_id}/status")
async def read_status(
    owner: str,
    app: str,
    request_id: str,
    sandbox: CurrentSandbox,
    logs: bool = False,
    authorization: Authorization = None,
) -> Response:
    """The state of a request, with the model's log if `logs` is set. The state does not tell success from failure."""
    task = _find(sandbox, f"{owner}/{app}", request_id, authorization)
    scenario, number = task.scenario, task.count_read()
    await sandbox.lifetime.pause(scenario.poll_latency_seconds)
    if scenario.poll_error is not None and number <= scenario.poll_error_times:
        raise FalError.of_scenario(scenario.poll_error)
    status, record = sandbox.account(FalAccount).records.progress(task, logs=logs)
    return JSONResponse(record, status_code=status)


@router.get("/{owner}/{app}/requests/{request_id}")
async def read_result(
    owner: str, app: str, request_id: str, sandbox: CurrentSandbox, authorization: Authorization = None
) -> Response:
    """The model's output with the model's HTTP status; 400 before the end."""
    task = _find(sandbox, f"{owner}/{app}", request_id, authorization)
    status, result = sandbox.account(FalAccount).records.result(task)
    kind = result.get("error_type")
    headers = {"X-Fal-Error-Type": kind} if isinstance(kind, str) else None
    return JSONResponse(result, status_code=status, headers=headers)


@router.put("/{owner}/{app}/requests/{request_id}/cancel")
async def cancel(
    owner: str, app: str, request_id: str, sandbox: CurrentSandbox, authorization: Authorization = None
) -> Response:
    """Remove a request from the queue, or signal its runner. A runner may ignore the signal."""
    try:
        task = _find(sandbox, f"{owner}/{app}", request_id, authorization)
    except FalError as error:
        if error.code != _NOT_FOUND:
            raise
        return JSONResponse({"status": "NOT_FOUND"}, status_code=_NOT_FOUND)
    task.cancels += 1
    error_reply = task.scenario.cancel_error
    if error_reply is not None and task.cancels <= task.scenario.cancel_error_times:
        raise FalError.of_scenario(error_reply)
    if task.ended is not None:
        return JSONResponse({"status": "ALREADY_COMPLETED"}, status_code=400)
    sandbox.engine.cancel(task)
    return JSONResponse({"status": "CANCELLATION_REQUESTED"}, status_code=202)


async def _task(sandbox: Sandbox, model: str, body: JsonObject, fal_webhook: str | None, scenario: Scenario) -> Task:
    """The task. Raises `FalError`."""
    wanted = read_input(model, body)
    try:
        webhook = _WEBHOOK.validate_python(fal_webhook)
    except ValidationError:
        raise FalError(422, "fal_webhook is not an http or https URL") from None
    task_id = new_task_id()
    source = await _source(sandbox, wanted, task_id)
    spec = wanted.spec(source)
    return Task(
        id=task_id,
        model=model,
        prompt=prompt_of(body),
        request=body,
        call_back_url=webhook,
        spec=spec,
        source=source,
        credits=0,  # fal bills in dollars and answers no price
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=sandbox.account(FalAccount).webhooks,
        slots=sandbox.account(FalAccount).slots,
    )


async def _source(sandbox: Sandbox, wanted: FalInput, task_id: str) -> SourceImage | None:
    fetching = fetch_source(
        wanted.image_sources(),
        task_id=task_id,
        max_bytes=_MAX_IMAGE_BYTES,
        client=sandbox.client,
        media=sandbox.media,
    )
    try:
        return await sandbox.lifetime.until_stopped(fetching)
    except ImageNotFetched as error:
        raise FalError.of_input("image_url", "file_download_error", str(error)) from None


def _find(sandbox: Sandbox, app: str, request_id: str, authorization: str | None) -> Task:
    account = sandbox.account(FalAccount)
    account.authorize(authorization)
    task = sandbox.engine.task(request_id)
    is_there = task is not None and task.writer is account.webhooks and app_of(task.model) == app
    if task is None or not is_there or was_removed(task):
        raise FalError(_NOT_FOUND, f"Request {request_id} not found")
    return task
