"""The parts that all families of Kie's endpoints share: accepting a task, reading its record, parsing a body."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, JsonValue, ValidationError

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.images import ImageNotFetched, fetch_source
from sandbox.media_store import SourceImage
from sandbox.scenarios import Scenario
from sandbox.state import Sandbox
from sandbox.task import JsonObject, Task, new_task_id
from sandbox.validation import HttpUrlText, json_object, sentences
from sandbox.vendors.kie.account import KieAccount
from sandbox.vendors.kie.callbacks import KieCallbacks
from sandbox.vendors.kie.errors import KieError
from sandbox.vendors.kie.inputs import KieInput

Authorization = Annotated[str | None, Header(include_in_schema=False)]


class WithCallback(BaseModel):
    """The callback field of every create."""

    call_back_url: HttpUrlText | None = Field(default=None, alias="callBackUrl")
    """The URL of the callback's receiver."""


@dataclass(frozen=True)
class Create:
    """A create request of any family."""

    body: JsonObject
    """The whole body."""
    model: str
    """The model's name for scenarios. Like the prompt, it is set even for an invalid input."""
    prompt: str
    """The prompt for scenarios and counts."""
    call_back_url: str | None
    """The URL of the callback's receiver."""
    read: Callable[[], KieInput]
    """Validates the input. Raises `KieError`."""
    writer: type[KieCallbacks]
    """Writes the family's records and callbacks."""


async def create(sandbox: Sandbox, asked: Create) -> Response:
    """Accept a task, as its scenario says: `{"data": {"taskId": …}}`. Raises `KieError`."""
    scenario, refusal = sandbox.scenarios.match(prompt=asked.prompt, model=asked.model)
    try:
        await sandbox.arrived(asked.prompt, scenario)
        if refusal is not None:
            raise KieError.of_scenario(refusal)
        task = await _admit(sandbox, asked, scenario)
    except KieError as error:
        sandbox.creates.refused(asked.prompt, error.code)
        raise
    sandbox.creates.accepted(asked.prompt)
    running = sandbox.engine.start(task)
    if scenario.callback == "early":
        await sandbox.lifetime.until_stopped(running)
    return reply_to_create(scenario, ok({"taskId": task.id}))


async def answer_record(
    sandbox: Sandbox, task_id: str, writer: type[KieCallbacks], *, otherwise: Callable[[], Task | None] = lambda: None
) -> Response:
    """The record of a task. Each family sees only its own tasks. Raises `KieError`."""
    sandbox.account(KieAccount).admit_read()
    if not task_id:
        raise KieError(422, "The taskId parameter is missing")
    task = sandbox.engine.task(task_id) or otherwise()
    if task is None or not isinstance(task.writer, writer):
        raise KieError(404, f"There is no task {task_id}")
    scenario, number = task.scenario, task.count_read()
    await sandbox.lifetime.pause(scenario.poll_latency_seconds)
    if scenario.poll_error is not None and number <= scenario.poll_error_times:
        raise KieError.of_scenario(scenario.poll_error)
    return ok(task.writer.record(task))


def text_of(fields: JsonObject, name: str) -> str:
    """A text field. Empty for a value of another type."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


async def read_object(request: Request) -> JsonObject:
    """The body. Raises `KieError` 400 if the body is not a JSON object."""
    body = await json_object(request)
    if body is None:
        raise KieError(400, "The request body is not a JSON object")
    return body


def call_back_url_of(body: JsonObject) -> str | None:
    """The callback URL of a create. Raises `KieError` 422 for an invalid one."""
    try:
        return WithCallback.model_validate(body).call_back_url
    except ValidationError as error:
        raise KieError(422, sentences(error)) from None


def ok(data: JsonValue) -> Response:
    """Kie's envelope of a success."""
    return JSONResponse({"code": 200, "msg": "success", "data": data})


async def _admit(sandbox: Sandbox, asked: Create, scenario: Scenario) -> Task:
    """The new task, paid for. Raises `KieError`."""
    account = sandbox.account(KieAccount)
    account.admit_create()
    wanted = asked.read()
    task_id = new_task_id()
    account.charge(wanted.credits())
    try:
        source = await _source(sandbox, wanted, task_id)
    except KieError:
        account.refund(wanted.credits())
        raise
    spec = wanted.spec(source)
    return Task(
        id=task_id,
        model=asked.model,
        prompt=wanted.prompt,
        request=asked.body,
        call_back_url=asked.call_back_url,
        spec=spec,
        source=source,
        credits=wanted.credits(),
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=asked.writer(sandbox.config),
        slots=sandbox.account(KieAccount).slots,
    )


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
