"""Kie Market's wire: tasks, status, links, balance.

Kie answers HTTP 200 to everything and tells of failure in the JSON `code`. Source: https://docs.kie.ai.
"""

import time
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, JsonValue, ValidationError

from sandbox.config import file_url
from sandbox.creates import generation_seconds, reply_to_create
from sandbox.images import ImageNotFetched, fetch_source
from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.scenarios import NORMAL, Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import JsonObject, Task, new_task_id
from sandbox.validation import HttpUrlText, json_object, sentences
from sandbox.vendors.kie.account import KieAccount
from sandbox.vendors.kie.callbacks import record
from sandbox.vendors.kie.errors import KieError
from sandbox.vendors.kie.models import KieInput, read_input

_LINK_SECONDS = 20 * 60

Authorization = Annotated[str | None, Header(include_in_schema=False)]

router = APIRouter(prefix="/kie", tags=["Kie Market"])


class _CreateRequest(BaseModel):
    """The body of createTask, as far as it is the same for all models."""

    model: str | None = None
    input: dict[str, JsonValue] = {}
    call_back_url: HttpUrlText | None = Field(default=None, alias="callBackUrl")

    @property
    def prompt(self) -> str:
        """What scenarios and counts go by, even when the input is not valid."""
        prompt = self.input.get("prompt")
        return prompt if isinstance(prompt, str) else ""


@router.post("/api/v1/jobs/createTask")
async def create_task(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Start a task: `{"model": …, "input": {…}, "callBackUrl": …}` gives `{"data": {"taskId": …}}`."""
    sandbox.account(KieAccount).authorize(authorization)
    body, create = await _read_create(request)
    scenario, refusal = sandbox.scenarios.meet(prompt=create.prompt, model=create.model or "")
    try:
        await sandbox.lifetime.pause(scenario.create_latency_seconds)
        if refusal is not None:
            raise KieError.asked_for(refusal)
        task = await _admit(sandbox, create, body, scenario)
    except KieError as error:
        sandbox.creates.refused(create.prompt, error.code)
        raise
    sandbox.creates.accepted(create.prompt)
    running = sandbox.engine.start(task)
    if scenario.callback == "early":
        await sandbox.lifetime.until_stopped(running)
    return reply_to_create(scenario, _ok({"taskId": task.id}))


@router.get("/api/v1/jobs/recordInfo")
async def record_info(
    sandbox: CurrentSandbox,
    task_id: Annotated[str, Query(alias="taskId")] = "",
    authorization: Authorization = None,
) -> Response:
    """The state of a task and, at its end, the URLs of its results."""
    sandbox.account(KieAccount).authorize(authorization)
    sandbox.account(KieAccount).admit_read()
    if not task_id:
        raise KieError(422, "The taskId parameter is missing")
    task = sandbox.engine.task(task_id) or _adopted(sandbox, task_id)
    if task is None:
        raise KieError(404, f"There is no task {task_id}")
    scenario, number = task.scenario, task.count_read()
    await sandbox.lifetime.pause(scenario.poll_latency_seconds)
    if scenario.poll_error is not None and number <= scenario.poll_error_times:
        raise KieError.asked_for(scenario.poll_error)
    return _ok(record(task, sandbox.config.public_url))


@router.post("/api/v1/common/download-url")
async def download_url(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """A link to a result, valid for 20 minutes: `{"url": …}` gives `{"data": "https://…"}`."""
    sandbox.account(KieAccount).authorize(authorization)
    url = (await _read_object(request)).get("url")
    plain = url.partition("?")[0] if isinstance(url, str) else ""
    name = plain.rpartition("/")[2]
    if plain != file_url(sandbox.config.public_url, name) or sandbox.media.path(name) is None:
        raise KieError(422, "The url is not that of a file that was generated here")
    return _ok(f"{plain}?expires={int(time.time()) + _LINK_SECONDS}")


@router.get("/api/v1/chat/credit")
async def credit(sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The account's balance."""
    sandbox.account(KieAccount).authorize(authorization)
    return _ok(sandbox.account(KieAccount).credits)


async def _admit(sandbox: Sandbox, create: _CreateRequest, body: JsonObject, scenario: Scenario) -> Task:
    """The task, paid for. Raises `KieError`."""
    sandbox.account(KieAccount).admit_create()
    wanted = read_input(create.model, create.input)
    task_id = new_task_id()
    sandbox.account(KieAccount).charge(wanted.credits())
    try:
        source = await _source(sandbox, wanted, task_id)
    except KieError:
        sandbox.account(KieAccount).refund(wanted.credits())
        raise
    spec = wanted.spec(source)
    return Task(
        id=task_id,
        model=create.model or "",
        prompt=wanted.prompt,
        request=body,
        call_back_url=create.call_back_url,
        spec=spec,
        source=source,
        credits=wanted.credits(),
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=sandbox.account(KieAccount).callbacks,
    )


def _adopted(sandbox: Sandbox, task_id: str) -> Task | None:
    """A task that the control API told of: it runs since now, and has no end. None if this is not one of those."""
    prefix = sandbox.account(KieAccount).adopted_prefix
    if prefix is None or not task_id.startswith(prefix):
        return None
    task = Task(
        id=task_id,
        model="google/nano-banana",
        prompt=prefix,
        request={},
        call_back_url=None,
        spec=MediaSpec(format="png", width=64, height=64),
        source=None,
        credits=0,
        seconds=0,
        scenario=NORMAL,
        writer=sandbox.account(KieAccount).callbacks,
    )
    sandbox.engine.adopt(task)
    return task


async def _source(sandbox: Sandbox, wanted: KieInput, task_id: str) -> SourceImage | None:
    fetching = fetch_source(
        wanted.image_sources(),
        task_id=task_id,
        max_bytes=wanted.max_image_bytes,
        client=sandbox.client,
        media=sandbox.media,
    )
    try:
        return await sandbox.lifetime.until_stopped(fetching)
    except ImageNotFetched as error:
        raise KieError(451, str(error)) from None


async def _read_create(request: Request) -> tuple[JsonObject, _CreateRequest]:
    body = await _read_object(request)
    try:
        return body, _CreateRequest.model_validate(body)
    except ValidationError as error:
        raise KieError(422, sentences(error)) from None


async def _read_object(request: Request) -> JsonObject:
    body = await json_object(request)
    if body is None:
        raise KieError(400, "The request body is not a JSON object")
    return body


def _ok(data: JsonValue) -> Response:
    return JSONResponse({"code": 200, "msg": "success", "data": data})
