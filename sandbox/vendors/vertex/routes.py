"""Vertex AI's wire for Veo: creates, operations, objects in Cloud Storage, and Google's tokens.

Source: `google/genai/models.py`, `operations.py` and `caches.py` of https://github.com/googleapis/python-genai. Google
has a separate host for each of the three; the sandbox serves all of them below `/vertex`.
"""

import base64
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.files import read_file
from sandbox.frames import UnreadableImage
from sandbox.media_store import SourceImage
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import JsonObject, Task, new_task_id
from sandbox.validation import json_object
from sandbox.vendors.vertex.account import VertexAccount
from sandbox.vendors.vertex.errors import VertexError
from sandbox.vendors.vertex.inline import inline_reply
from sandbox.vendors.vertex.models import Image, VeoCreate, Video, prompt_of, read_create, without_bytes
from sandbox.vendors.vertex.service_account import TokenRefused

# Google's client asks for `v1beta1`.
_LOCATION = "/{version}/projects/{project}/locations/{location}"
_MODEL = f"{_LOCATION}/publishers/google/models/{{model}}"

router = APIRouter(prefix="/vertex", tags=["Vertex AI"])


@dataclass(frozen=True)
class VeoPath:
    """The location of a model, from the path of a request."""

    project: str
    """The project's id."""
    location: str
    """The region."""
    model: str
    """The model's name."""

    def __str__(self) -> str:
        return f"projects/{self.project}/locations/{self.location}/publishers/google/models/{self.model}"


CurrentPath = Annotated[VeoPath, Depends()]


async def _authorized(
    sandbox: CurrentSandbox, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
) -> VertexAccount:
    account = sandbox.account(VertexAccount)
    account.authorize(authorization)
    return account


CurrentAccount = Annotated[VertexAccount, Depends(_authorized)]


@router.post(f"{_MODEL}:predictLongRunning")
async def create_operation(
    path: CurrentPath, request: Request, sandbox: CurrentSandbox, account: CurrentAccount
) -> Response:
    """Start a video: `{"instances": [{"prompt": …}], "parameters": {…}}` gives the `name` of an operation."""
    account.require_project(path.project)
    body = await _body(request)
    prompt = prompt_of(body)
    scenario, refusal = sandbox.scenarios.match(prompt=prompt, model=path.model)
    try:
        await sandbox.arrived(prompt, scenario)
        if refusal is not None:
            raise VertexError.of_scenario(refusal)
        wanted = read_create(path.model, body)
        account.admit(path.model, path.location)
        task = await _task(sandbox, account, path, wanted, body, scenario)
    except VertexError as error:
        sandbox.creates.refused(prompt, error.code)
        raise
    sandbox.creates.accepted(prompt)
    name = account.operations.add(task, model_path=str(path), storage_uri=wanted.parameters.storage_uri)
    sandbox.engine.start(task)
    return reply_to_create(scenario, JSONResponse({"name": name}))


@router.post(f"{_MODEL}:fetchPredictOperation")
async def read_operation(
    path: CurrentPath, request: Request, sandbox: CurrentSandbox, account: CurrentAccount
) -> Response:
    """The state of `{"operationName": …}`; after the end with the video or its location."""
    account.require_project(path.project)
    body = await _body(request)
    name = body.get("operationName")
    if set(body) != {"operationName"} or not isinstance(name, str):
        raise VertexError(400, "operationName: should be the only field, and a string")
    if not name.startswith(f"{path}/operations/"):
        raise VertexError(400, "operationName: should be an operation of this model")
    task = account.operations.find(name)
    if task is None:
        raise VertexError(404, f"The operation {name} was not found")
    scenario, number = task.scenario, task.count_read()
    await sandbox.lifetime.pause(scenario.poll_latency_seconds)
    if scenario.poll_error is not None and number <= scenario.poll_error_times:
        raise VertexError.of_scenario(scenario.poll_error)
    told = account.operations.body(task)
    if not account.operations.is_inline(task):
        return JSONResponse(told)
    return inline_reply(told, sandbox.media.path(task.results[0]))


@router.get(f"{_LOCATION}/cachedContents")
async def list_cached_contents(project: str, account: CurrentAccount) -> Response:
    """The project's cached contents: none. Google's client asks for them, at no cost."""
    account.require_project(project)
    return JSONResponse({})


@router.get("/storage/v1/b/{bucket}/o/{name:path}")
async def read_object(
    bucket: str, name: str, request: Request, sandbox: CurrentSandbox, account: CurrentAccount, alt: str = "json"
) -> Response:
    """The bytes of a video in Cloud Storage."""
    if alt != "media":
        raise VertexError(400, "The sandbox keeps no metadata of objects: ask with alt=media")
    task = account.operations.written_to(f"gs://{bucket}/{name}")
    if task is None:
        raise VertexError(404, f"No such object: {bucket}/{name}")
    return await read_file(task.results[0], request, sandbox)


@router.post("/token", tags=["Google's tokens"])
async def exchange_token(request: Request, sandbox: CurrentSandbox) -> Response:
    """An access token for a service account's signed assertion (RFC 7523)."""
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
    try:
        token = sandbox.account(VertexAccount).service_account.exchange(
            form.get("grant_type", ""), form.get("assertion", "")
        )
    except TokenRefused as refused:
        return JSONResponse({"error": refused.code, "error_description": refused.description}, status_code=400)
    return JSONResponse(token)


@router.get("/service_account.json", tags=["Google's tokens"])
async def download_key(account: CurrentAccount) -> Response:
    """The key file of the project's service account, as Google's console gives it. The sandbox issues its tokens."""
    return JSONResponse(account.service_account.key_file())


async def _body(request: Request) -> JsonObject:
    body = await json_object(request)
    if body is None:
        raise VertexError(400, "Invalid JSON payload received")
    return body


async def _task(
    sandbox: Sandbox, account: VertexAccount, path: VeoPath, wanted: VeoCreate, body: JsonObject, scenario: Scenario
) -> Task:
    """The task. Raises `VertexError`."""
    task_id = new_task_id()
    spec = wanted.spec()
    return Task(
        id=task_id,
        model=path.model,
        prompt=wanted.instance.prompt,
        request={name: without_bytes(value) for name, value in body.items()},
        call_back_url=None,
        spec=spec,
        source=await _source(sandbox, account, wanted.instance.source, task_id),
        credits=0,  # billed in dollars; no answer has the price
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=account.operations,
    )


async def _source(
    sandbox: Sandbox, account: VertexAccount, media: Image | Video | None, task_id: str
) -> SourceImage | None:
    """The picture to begin with. Raises `VertexError` 400 if it is missing or is not a picture."""
    if media is None:
        return None
    if media.content is not None:
        content = base64.b64decode(media.content)
    else:
        written = account.operations.written_to(media.gcs_uri or "")
        path = None if written is None else sandbox.media.path(written.results[0])
        if path is None:
            raise VertexError(400, f"The file {media.gcs_uri} was not found or cannot be read")
        content = path.read_bytes()
    try:
        return await sandbox.media.keep_source(f"source-{task_id}", content)
    except UnreadableImage:
        raise VertexError(400, "Unable to process input image.") from None
