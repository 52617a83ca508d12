"""The Gemini API: interactions, their files, models, webhooks, and the webhooks' public keys.

Source: google-genai's `_gaos/interactions.py`, `files.py` and `_gaos/webhooks.py`. A client's base URL is `/gemini`;
the API's version, `v1` or `v1beta`, is a part of the path.
"""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.files import read_file
from sandbox.frames import UnreadableImage
from sandbox.media_store import SourceImage
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import JsonObject, Task, new_task_id
from sandbox.validation import HttpUrlText, json_object, sentences
from sandbox.vendors.gemini.account import GeminiAccount
from sandbox.vendors.gemini.errors import GeminiError
from sandbox.vendors.gemini.models import MODELS, BananaCreate, OmniCreate, Text, prompt_of, read_create
from sandbox.vendors.gemini.record import id_of, is_delivered, is_inline

Version = Literal["v1", "v1beta"]
Key = Annotated[str | None, Header(alias="x-goog-api-key", include_in_schema=False)]
Revision = Annotated[str | None, Header(alias="api-revision", include_in_schema=False)]

router = APIRouter(prefix="/gemini", tags=["Gemini API"])


@router.get("/.well-known/jwks.json")
async def webhook_keys(sandbox: CurrentSandbox) -> Response:
    """The public keys of webhooks, without authorization."""
    return JSONResponse(sandbox.account(GeminiAccount).dynamic.key_set)


@router.post("/{version}/interactions")
async def create_interaction(
    version: Version, request: Request, sandbox: CurrentSandbox, key: Key = None, revision: Revision = None
) -> Response:
    """Start an interaction. A create that is not in the background is answered after the end."""
    sandbox.account(GeminiAccount).authorize(key, revision)
    body = await json_object(request)
    if body is None:
        raise GeminiError(400, "Invalid JSON payload received.")
    prompt = prompt_of(body)
    scenario, refusal = sandbox.scenarios.match(prompt=prompt, model=str(body.get("model")))
    try:
        await sandbox.arrived(prompt, scenario)
        if refusal is not None:
            raise GeminiError.of_scenario(refusal)
        create = read_create(body)
        task = await _task(sandbox, create, body, scenario)
    except GeminiError as error:
        sandbox.creates.refused(prompt, error.code)
        raise
    sandbox.creates.accepted(prompt)
    running = sandbox.engine.start(task)
    if scenario.callback == "early" or not create.background:
        await sandbox.lifetime.until_stopped(running)
    return reply_to_create(scenario, await _answer(sandbox, task, version))


@router.get("/{version}/interactions/{interaction_id}")
async def get_interaction(
    version: Version, interaction_id: str, sandbox: CurrentSandbox, key: Key = None, revision: Revision = None
) -> Response:
    """The present state of an interaction."""
    task = _find(sandbox, interaction_id, key, revision)
    scenario, number = task.scenario, task.count_read()
    await sandbox.lifetime.pause(scenario.poll_latency_seconds)
    if scenario.poll_error is not None and number <= scenario.poll_error_times:
        raise GeminiError.of_scenario(scenario.poll_error)
    return await _answer(sandbox, task, version)


@router.post("/{version}/interactions/{interaction_id}/cancel")
async def cancel_interaction(
    version: Version, interaction_id: str, sandbox: CurrentSandbox, key: Key = None, revision: Revision = None
) -> Response:
    """Stop an interaction and answer its state. A finished interaction stays as it is."""
    task = _find(sandbox, interaction_id, key, revision)
    task.cancels += 1
    error = task.scenario.cancel_error
    if error is not None and task.cancels <= task.scenario.cancel_error_times:
        raise GeminiError.of_scenario(error)
    sandbox.engine.cancel(task)
    return await _answer(sandbox, task, version)


@router.get("/{version}/files/{file_id}")
@router.get("/{version}/files/{file_id}:download", include_in_schema=False)  # first: the next matches any id
async def get_file(
    version: Version,
    file_id: str,
    request: Request,
    sandbox: CurrentSandbox,
    alt: Literal["json", "media"] = "json",
    key: Key = None,
) -> Response:
    """The metadata of a generated file; its bytes with `alt=media`."""
    task = _find(sandbox, id_of(file_id), key, None)
    path = sandbox.media.path(task.file_name)
    if not is_delivered(task) or path is None:
        raise _not_found(f"files/{file_id}")
    if alt == "media":
        return await read_file(task.file_name, request, sandbox)
    return JSONResponse(sandbox.account(GeminiAccount).records.file(task, version, path.stat().st_size))


@router.get("/{version}/models")
async def list_models(version: Version, sandbox: CurrentSandbox, key: Key = None) -> Response:  # noqa: ARG001 -- the same in all
    """The models that make media."""
    sandbox.account(GeminiAccount).authorize(key)
    return JSONResponse({"models": [{"name": f"models/{name}", "baseModelId": name} for name in MODELS]})


class _WebhookInput(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = None
    uri: HttpUrlText
    subscribed_events: list[str] = Field(min_length=1)


@router.post("/{version}/webhooks")
async def create_webhook(version: Version, request: Request, sandbox: CurrentSandbox, key: Key = None) -> Response:  # noqa: ARG001 -- the same in all
    """Register the project's webhook and replace an earlier one. It serves interactions without their own webhook."""
    account = sandbox.account(GeminiAccount)
    account.authorize(key)
    try:
        wanted = _WebhookInput.model_validate(await json_object(request))
    except ValidationError as error:
        raise GeminiError(400, f"Request contains an invalid argument. {sentences(error)}") from None
    account.static.uri = wanted.uri
    answer = {**wanted.model_dump(), "id": "sandbox", "state": "enabled", "new_signing_secret": account.static.secret}
    return JSONResponse(answer)


async def _task(sandbox: Sandbox, create: OmniCreate | BananaCreate, body: JsonObject, scenario: Scenario) -> Task:
    """The task. Raises `GeminiError`."""
    account = sandbox.account(GeminiAccount)
    spec = create.spec()
    task_id = id_of(new_task_id())
    asked = create.webhook_config
    return Task(
        id=task_id,
        model=create.model,
        prompt=prompt_of(body),
        request={**body, "input": [part.model_dump(exclude_none=True) for part in create.contents()]},
        call_back_url=asked.uris[0] if asked is not None else account.static.uri,
        spec=spec,
        source=await _source(sandbox, create, task_id),
        credits=0,  # Google bills in dollars and answers no price
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=account.dynamic if asked is not None else account.static,
    )


async def _source(sandbox: Sandbox, create: OmniCreate | BananaCreate, task_id: str) -> SourceImage | None:
    """The first picture, or the first frame of the first video."""
    contents = [part.content() for part in create.contents() if not isinstance(part, Text)]
    if not contents:
        return None
    try:
        return await sandbox.media.keep_source(f"source-{task_id}", contents[0])
    except UnreadableImage:
        raise GeminiError(400, "Unable to process input image. Please retry or report the problem.") from None


def _find(sandbox: Sandbox, interaction_id: str, key: str | None, revision: str | None) -> Task:
    account = sandbox.account(GeminiAccount)
    account.authorize(key, revision)
    task = sandbox.engine.task(interaction_id)
    if task is None or not account.owns(task):
        raise _not_found(interaction_id)
    return task


def _not_found(what: str) -> GeminiError:
    return GeminiError(404, f"Requested entity was not found: {what}")


async def _answer(sandbox: Sandbox, task: Task, version: Version) -> Response:
    path = sandbox.media.path(task.file_name)
    content: bytes | None = None
    if is_delivered(task) and path is not None and is_inline(task):
        content = await asyncio.to_thread(path.read_bytes)
    return JSONResponse(sandbox.account(GeminiAccount).records.interaction(task, version, content))
