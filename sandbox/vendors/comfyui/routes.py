"""The routes of a ComfyUI server (https://docs.comfy.org/development/comfyui-server/comms_routes).

The client's base URL is `/comfyui`. Every route is served below `/api`, too, as a server does.
"""

import asyncio
import hashlib
from contextlib import suppress
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Header, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import JsonValue

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.files import read_file
from sandbox.forms import NotAForm, form_parts
from sandbox.frames import UnreadableImage
from sandbox.media_store import SourceImage
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import JsonObject, Task, new_task_id
from sandbox.validation import json_object
from sandbox.vendors.comfyui.account import ComfyAccount
from sandbox.vendors.comfyui.errors import FAILED_VALIDATION, ComfyError, Nothing, ServerDown, Trouble
from sandbox.vendors.comfyui.events import Message
from sandbox.vendors.comfyui.graphs import Graph, read_graph
from sandbox.vendors.comfyui.nodes import CLASSES
from sandbox.vendors.comfyui.record import NoCallbacks
from sandbox.vendors.comfyui.server import Make, Prompt

Authorization = Annotated[str | None, Header(include_in_schema=False)]

_GOING_AWAY = 1001
_MODEL = "comfyui"
_WRITER = NoCallbacks()

router = APIRouter(prefix="/comfyui", tags=["ComfyUI"])
_routes = APIRouter()


def _let_in(sandbox: Sandbox, authorization: str | None) -> ComfyAccount:
    account = sandbox.account(ComfyAccount)
    account.authorize(authorization)
    return account


@_routes.post("/prompt")
async def queue_prompt(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Queue a graph: `{"prompt": {…}, "client_id": …, "prompt_id": …}`. An id is kept, and makes nothing unique."""
    account = _let_in(sandbox, authorization)
    body = await json_object(request)
    if body is None:
        raise Trouble
    if "prompt" not in body:
        raise ComfyError(400, "no_prompt", "No prompt provided", "No prompt provided")
    text = _texts(body["prompt"])
    scenario, refusal = sandbox.scenarios.match(prompt=text, model=_MODEL)
    try:
        await sandbox.arrived(text, scenario)
        if refusal is not None:
            raise ComfyError.of_scenario(refusal)
        graph = read_graph(body["prompt"])
        _require_pictures(graph, account)
    except ComfyError as error:
        sandbox.creates.refused(text, error.code)
        raise
    account.authorize(authorization)  # the server may have stopped during the pause
    sandbox.creates.accepted(text)
    prompt = _prompt(sandbox, account, graph, body, scenario)
    account.server.add(prompt, _maker(sandbox, account), sandbox.lifetime)
    answer = {"prompt_id": prompt.id, "number": prompt.number, "node_errors": {}}
    return reply_to_create(scenario, JSONResponse(answer))


@_routes.get("/prompt")
async def count_prompts(sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The number of prompts that wait or run."""
    server = _let_in(sandbox, authorization).server
    return JSONResponse({"exec_info": {"queue_remaining": server.remaining}})


@_routes.get("/queue")
async def show_queue(sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The running prompt and those that wait, in no order."""
    server = _let_in(sandbox, authorization).server
    running = [] if server.running is None else [server.running.record()]
    return JSONResponse({"queue_running": running, "queue_pending": [each.record() for each in server.pending]})


@_routes.post("/queue")
async def change_queue(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Delete prompts that wait: `{"delete": [ID, …]}`, or all: `{"clear": true}`. The answer is empty in any case."""
    server = _let_in(sandbox, authorization).server
    body = await _body(request)
    ids = body.get("delete")
    wanted = [each.id for each in server.pending] if body.get("clear") is True else ids
    named = [str(each) for each in wanted] if isinstance(wanted, list) else []
    _raise_cancel_error([each.task for each in server.pending if each.id in named])
    server.delete(named)
    return PlainTextResponse("")


@_routes.post("/interrupt")
async def interrupt(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Stop the running prompt if it has the `prompt_id`; without one, whatever prompt runs. Answers nothing."""
    server = _let_in(sandbox, authorization).server
    named = (await _body(request)).get("prompt_id")
    running = server.running
    if running is not None and named in {None, running.id}:
        running.task.cancels += 1
        _raise_cancel_error([running.task])
    server.interrupt(None if named is None else str(named))
    return PlainTextResponse("")


@_routes.get("/history")
async def list_history(
    sandbox: CurrentSandbox, max_items: int | None = None, authorization: Authorization = None
) -> Response:
    """The finished prompts, oldest first; with `max_items` the newest of them."""
    history = _let_in(sandbox, authorization).server.history
    kept = list(history.items())
    return JSONResponse(dict(kept if max_items is None else kept[-max_items:] if max_items else []))


@_routes.get("/history/{prompt_id}")
async def read_history(prompt_id: str, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """A finished prompt. A prompt that waits, runs, was deleted, was lost or never was: `{}`."""
    account = _let_in(sandbox, authorization)
    task = sandbox.engine.task(prompt_id)
    if task is not None and task.writer is _WRITER:
        number = task.count_read()
        await sandbox.lifetime.pause(task.scenario.poll_latency_seconds)
        if task.scenario.poll_error is not None and number <= task.scenario.poll_error_times:
            raise ComfyError.of_scenario(task.scenario.poll_error)
    account.authorize(authorization)
    entry = account.server.history.get(prompt_id)
    return JSONResponse({} if entry is None else {prompt_id: entry})


@_routes.post("/history")
async def change_history(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Forget finished prompts: `{"clear": true}` or `{"delete": [ID, …]}`."""
    server = _let_in(sandbox, authorization).server
    body = await _body(request)
    if body.get("clear") is True:
        server.history.clear()
    named = body.get("delete")
    for each in named if isinstance(named, list) else []:
        server.history.pop(str(each), None)
    return PlainTextResponse("")


@_routes.post("/upload/image")
async def upload_image(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Keep a picture under its name. Another picture of the name gets a number: `in (1).png`."""
    server = _let_in(sandbox, authorization).server
    try:
        parts = form_parts(request.headers.get("Content-Type", ""), await request.body())
    except NotAForm:
        raise ComfyError(400, "bad_form", "The body is no form") from None
    fields = {part.name: part.text for part in parts if part.file_name is None}
    picture = next((part for part in parts if part.name == "image" and part.file_name), None)
    if picture is None:
        return PlainTextResponse("", status_code=400)
    stem, _, extension = (picture.file_name or "").rpartition(".")
    name, number = f"{stem}.{extension}", 0
    folder = fields.get("subfolder", "")
    while (
        fields.get("overwrite") not in {"true", "1"}
        and server.uploads.get(_path(folder, name), picture.content) != picture.content
    ):
        number += 1
        name = f"{stem} ({number}).{extension}"
    server.uploads[_path(folder, name)] = picture.content
    return JSONResponse({"name": name, "subfolder": folder, "type": "input"})


@_routes.get("/view")
async def view(
    request: Request,
    filename: str,
    sandbox: CurrentSandbox,
    subfolder: str = "",
    authorization: Authorization = None,
) -> Response:
    """The bytes of a file in the output folder."""
    saved = _let_in(sandbox, authorization).server.folder.find(filename, subfolder)
    if saved is None or saved.stored not in saved.task.results:
        raise Nothing
    return await read_file(saved.stored, request, sandbox)


@_routes.get("/object_info/{name}")
async def describe(name: str, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The fields of a node class; `{}` for an unknown one."""
    _let_in(sandbox, authorization)
    kind = CLASSES.get(name)
    if kind is None:
        return JSONResponse({})
    fields = {field: each.config for field, each in kind.fields.items()}
    told = {"input": {"required": fields}, "name": name, "output": list(kind.returns), "output_node": bool(kind.saves)}
    return JSONResponse({name: told})


@_routes.get("/features")
async def features(sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The limits of the server."""
    _let_in(sandbox, authorization)
    return JSONResponse({"supports_preview_metadata": True, "max_upload_size": 104857600})


@_routes.get("/jobs")
async def jobs(sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The recorded server has no such route."""
    _let_in(sandbox, authorization)
    raise Nothing


@_routes.websocket("/ws")
async def follow(socket: WebSocket) -> None:
    """Messages about the prompts of a client: `/ws?clientId=ID`. The first is the queue's state."""
    sandbox: Sandbox = socket.app.state.sandbox
    try:
        account = _let_in(sandbox, socket.headers.get("Authorization"))
    except ComfyError as error:
        await socket.close(code=1013 if isinstance(error, ServerDown) else 1008)
        return
    await socket.accept()
    sid = socket.query_params.get("clientId") or uuid4().hex
    status: JsonObject = {"status": {"exec_info": {"queue_remaining": account.server.remaining}}, "sid": sid}
    with account.server.sockets.connected(sid, {"type": "status", "data": status}) as messages:
        talk = [asyncio.ensure_future(each) for each in (_send_all(socket, messages), _until_gone(socket))]
        try:
            # The server's end cancels this handler.
            await asyncio.wait(talk, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in talk:
                each.cancel()


async def _send_all(socket: WebSocket, messages: asyncio.Queue[Message | None]) -> None:
    """Send messages until the server ends, then close the connection."""
    with suppress(WebSocketDisconnect):
        while (message := await messages.get()) is not None:
            await socket.send_json(message)
        await socket.close(code=_GOING_AWAY)


async def _until_gone(socket: WebSocket) -> None:
    """Wait for the end of the connection. What the client says is not read."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _path(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _texts(prompt: JsonValue) -> str:
    """The texts of a graph, even of an invalid one, for scenarios and counts."""
    nodes = prompt.values() if isinstance(prompt, dict) else ()
    inputs = (node.get("inputs") for node in nodes if isinstance(node, dict))
    return "\n".join(
        value for each in inputs if isinstance(each, dict) for value in each.values() if isinstance(value, str)
    )


async def _body(request: Request) -> JsonObject:
    body = await json_object(request)
    if body is None:
        raise Trouble
    return body


def _raise_cancel_error(tasks: list[Task]) -> None:
    for task in tasks:
        error = task.scenario.cancel_error
        if error is not None and task.cancels <= task.scenario.cancel_error_times:
            raise ComfyError.of_scenario(error)


def _require_pictures(graph: Graph, account: ComfyAccount) -> None:
    """Refuse a graph that loads a picture that nobody uploaded."""
    for node in graph.order:
        name = graph.inputs(node).get("image")
        if graph.class_of(node) == "LoadImage" and name not in account.server.uploads:
            told: JsonObject = {"type": "custom_validation_failed", "message": "Custom validation failed for node",
                    "details": f"image - Invalid image file: {name}",
                    "extra_info": {"input_name": "image", "received_value": name}}  # fmt: skip
            errors: JsonObject = {"errors": [told], "dependent_outputs": list(graph.outputs), "class_type": "LoadImage"}
            raise ComfyError(400, FAILED_VALIDATION, "Prompt outputs failed validation", node_errors={node: errors})


def _prompt(sandbox: Sandbox, account: ComfyAccount, graph: Graph, body: JsonObject, scenario: Scenario) -> Prompt:
    given, client = body.get("prompt_id"), body.get("client_id")
    prompt_id = given if isinstance(given, str) else str(uuid4())
    spec = graph.spec(graph.outputs[0])
    task = Task(
        # A prompt id may come twice; the control API tells the two apart.
        id=prompt_id if sandbox.engine.task(prompt_id) is None else f"{prompt_id}-{new_task_id()}",
        model=_MODEL,
        prompt=graph.prompt,
        request=body,
        call_back_url=None,
        spec=spec,
        source=None,
        credits=0,
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=_WRITER,
    )
    sandbox.engine.keep(task)
    raw = body["prompt"]
    return Prompt(
        number=account.server.next_number(),
        id=prompt_id,
        client_id=client if isinstance(client, str) else None,
        graph=graph,
        raw=raw if isinstance(raw, dict) else {},
        task=task,
    )


def _maker(sandbox: Sandbox, account: ComfyAccount) -> Make:
    async def make(prompt: Prompt, node: str, stored: str) -> None:
        spec = prompt.graph.spec(node).changed(prompt.task.scenario.delivered)
        source = await _source(sandbox, account, prompt)
        seed = hashlib.sha256(prompt.graph.prompt.encode()).hexdigest()
        sandbox.engine.keep(prompt.task, stored)
        await sandbox.media.make(stored, spec, seed=seed, source=source)

    return make


async def _source(sandbox: Sandbox, account: ComfyAccount, prompt: Prompt) -> SourceImage | None:
    """The first picture that the graph loads. A picture that was never uploaded makes a file without it."""
    for name in prompt.graph.pictures():
        content = account.server.uploads.get(name)
        if content is not None:
            try:
                return await sandbox.media.keep_source(f"source-{prompt.task.id}", content)
            except UnreadableImage:
                return None
    return None


router.include_router(_routes)
router.include_router(_routes, prefix="/api", include_in_schema=False)
