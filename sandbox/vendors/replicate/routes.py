"""Replicate's wire: creating, reading, listing and cancelling predictions of official models.

Source: https://replicate.com/docs/reference/http and its OpenAPI document.
"""

import asyncio
import re
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.images import ImageNotFetched, fetch_source
from sandbox.media_store import SourceImage
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import Task, new_task_id
from sandbox.validation import HttpUrlText, json_object, sentences
from sandbox.vendors.replicate.account import ReplicateAccount
from sandbox.vendors.replicate.errors import ReplicateError
from sandbox.vendors.replicate.models import ReplicateInput, read_input

_OK = 200
_CREATED = 201
_LONGEST_WAIT_SECONDS = 60
_MAX_IMAGE_BYTES = 100 * 1024**2
_WAIT = re.compile(r"\bwait(?:=([0-9]{1,3})\b)?")

Authorization = Annotated[str | None, Header(include_in_schema=False)]

router = APIRouter(prefix="/replicate", tags=["Replicate"])


class _CreateRequest(BaseModel):
    """The body of a create; Replicate takes no other field. The sandbox also accepts HTTP for `webhook`."""

    model_config = ConfigDict(extra="forbid")

    input: dict[str, JsonValue]
    webhook: HttpUrlText | None = None
    webhook_events_filter: list[Literal["start", "output", "logs", "completed"]] | None = None
    stream: bool | None = None

    @property
    def prompt(self) -> str:
        """The prompt for scenarios and counts, even of an invalid input."""
        prompt = self.input.get("prompt")
        return prompt if isinstance(prompt, str) else ""

    @property
    def completed_webhook(self) -> str | None:
        """The URL that receives the end. Without a filter, it receives every event."""
        wanted = self.webhook_events_filter is None or "completed" in self.webhook_events_filter
        return self.webhook if wanted else None


@router.post("/v1/models/{owner}/{name}/predictions", status_code=_CREATED)
async def create_prediction(
    owner: str,
    name: str,
    request: Request,
    sandbox: CurrentSandbox,
    authorization: Authorization = None,
    prefer: Annotated[str, Header(description="wait, or wait=SECONDS: answer after the end")] = "",
) -> Response:
    """Start a prediction: `{"input": {…}, "webhook": …, "webhook_events_filter": ["completed"]}` gives it."""
    sandbox.account(ReplicateAccount).authorize(authorization)
    create, model = await _read_create(request), f"{owner}/{name}"
    scenario, refusal = sandbox.scenarios.match(prompt=create.prompt, model=model)
    try:
        await sandbox.arrived(create.prompt, scenario)
        if refusal is not None:
            raise ReplicateError.of_scenario(refusal)
        sandbox.account(ReplicateAccount).admit_create()
        task = await _task(sandbox, model, create, scenario)
    except ReplicateError as error:
        sandbox.creates.refused(create.prompt, error.code)
        raise
    sandbox.creates.accepted(create.prompt)
    running = sandbox.engine.start(task)
    if scenario.callback == "early":
        await sandbox.lifetime.until_stopped(running)
    if (wait := _WAIT.search(prefer)) is not None:
        seconds = min(int(wait[1] or _LONGEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)
        await sandbox.lifetime.until_stopped(asyncio.wait({running}, timeout=seconds))
    return reply_to_create(scenario, _answer(task, _CREATED))


@router.get("/v1/predictions")
async def list_predictions(sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """All of the account's predictions on one page, newest first."""
    account = sandbox.account(ReplicateAccount)
    account.authorize(authorization)
    account.admit_other()
    ours = [task.writer.body(task) for task in sandbox.engine.tasks("") if task.writer is account.webhooks]
    return JSONResponse({"previous": None, "next": None, "results": ours[::-1]})


@router.get("/v1/predictions/{prediction_id}")
async def get_prediction(prediction_id: str, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The present state of a prediction; after the end with the links to its results."""
    task = _find(sandbox, prediction_id, authorization)
    scenario, number = task.scenario, task.count_read()
    await sandbox.lifetime.pause(scenario.poll_latency_seconds)
    if scenario.poll_error is not None and number <= scenario.poll_error_times:
        raise ReplicateError.of_scenario(scenario.poll_error)
    return _answer(task)


@router.post("/v1/predictions/{prediction_id}/cancel")
async def cancel_prediction(
    prediction_id: str, sandbox: CurrentSandbox, authorization: Authorization = None
) -> Response:
    """Stop a prediction and answer its state. A finished prediction stays as it is."""
    task = _find(sandbox, prediction_id, authorization)
    task.cancels += 1
    error = task.scenario.cancel_error
    if error is not None and task.cancels <= task.scenario.cancel_error_times:
        raise ReplicateError.of_scenario(error)
    sandbox.engine.cancel(task)
    return _answer(task)


@router.get("/v1/webhooks/default/secret")
async def webhook_secret(sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The secret that signs the account's webhooks."""
    account = sandbox.account(ReplicateAccount)
    account.authorize(authorization)
    account.admit_other()
    return JSONResponse({"key": sandbox.config.webhook_secret or ""})


@router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def refuse_other_paths(path: str, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Refuse all other paths of Replicate."""
    sandbox.account(ReplicateAccount).authorize(authorization)
    raise ReplicateError(404, "Not found", f"There is no endpoint /{path}")


async def _task(sandbox: Sandbox, model: str, create: _CreateRequest, scenario: Scenario) -> Task:
    wanted = read_input(model, create.input)
    task_id = new_task_id()
    source = await _source(sandbox, wanted, task_id)
    spec = wanted.spec(source)
    return Task(
        id=task_id,
        model=model,
        prompt=wanted.prompt,
        request={"input": create.input},
        call_back_url=create.completed_webhook,
        spec=spec,
        source=source,
        credits=0,  # Replicate bills in dollars and answers no price
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=sandbox.account(ReplicateAccount).webhooks,
    )


async def _source(sandbox: Sandbox, wanted: ReplicateInput, task_id: str) -> SourceImage | None:
    """The first picture. Replicate fetches pictures when the model runs; the sandbox refuses the create.

    Raises `ReplicateError` 422.
    """
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
        raise ReplicateError(422, "Input validation failed", str(error)) from None


def _find(sandbox: Sandbox, prediction_id: str, authorization: str | None) -> Task:
    sandbox.account(ReplicateAccount).authorize(authorization)
    sandbox.account(ReplicateAccount).admit_other()
    task = sandbox.engine.task(prediction_id)
    if task is None or task.writer is not sandbox.account(ReplicateAccount).webhooks:
        raise ReplicateError(404, "Not found", f"There is no prediction {prediction_id}")
    return task


async def _read_create(request: Request) -> _CreateRequest:
    body = await json_object(request)
    if body is None:
        raise ReplicateError(400, "Bad request", "The request body is not a JSON object")
    try:
        return _CreateRequest.model_validate(body)
    except ValidationError as error:
        raise ReplicateError(422, "Invalid request", sentences(error)) from None


def _answer(task: Task, http_status: int = _OK) -> Response:
    return JSONResponse(task.writer.body(task), status_code=http_status)
