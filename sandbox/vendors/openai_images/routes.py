"""OpenAI's wire for pictures: a create, answered with the finished picture, and the list of models.

Source: `resources/images.py`, `resources/models.py` and `types/image*.py` of https://github.com/openai/openai-python.
The client's base URL is `/openai_images`: `/v1`, the usual end of base URLs, is a part of that path.
"""

import asyncio
from base64 import b64encode
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import JsonValue

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.openai_errors import OpenAIError
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import JsonObject, State, Task, new_task_id
from sandbox.validation import json_object
from sandbox.vendors.openai_images.account import OpenAIImagesAccount
from sandbox.vendors.openai_images.models import MODELS, PictureCreate, read_create, text_of

Authorization = Annotated[str | None, Header(include_in_schema=False)]

router = APIRouter(prefix="/openai_images", tags=["OpenAI-compatible pictures"])


@router.post("/images/generations")
async def generate_image(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Make a picture: `{"model": "dall-e-3", "prompt": …, "size": "1024x1024"}` gives a link after the end."""
    sandbox.account(OpenAIImagesAccount).authorize(authorization)
    fields = await json_object(request)
    if fields is None:
        raise OpenAIError(400, "We could not parse the JSON body of your request")
    prompt = text_of(fields, "prompt")
    scenario, refusal = sandbox.scenarios.match(prompt=prompt, model=text_of(fields, "model"))
    try:
        await sandbox.arrived(prompt, scenario)
        if refusal is not None:
            raise OpenAIError.of_scenario(refusal)
        wanted = read_create(fields)
    except OpenAIError as error:
        sandbox.creates.refused(prompt, error.code)
        raise
    sandbox.creates.accepted(prompt)
    task = _task(sandbox, wanted, fields, scenario)
    await sandbox.lifetime.until_stopped(sandbox.engine.start(task))
    return reply_to_create(scenario, JSONResponse(await _answer(sandbox, task, wanted)))


@router.get("/models")
async def list_models(sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The available models."""
    sandbox.account(OpenAIImagesAccount).authorize(authorization)
    models = [{"id": name, "object": "model", "created": 1698785189, "owned_by": "system"} for name in MODELS]
    return JSONResponse({"object": "list", "data": models})


def _task(sandbox: Sandbox, wanted: PictureCreate, fields: JsonObject, scenario: Scenario) -> Task:
    spec = wanted.spec()
    return Task(
        id=new_task_id(),
        model=wanted.model,
        prompt=wanted.prompt,
        request=fields,
        call_back_url=None,
        spec=spec,
        source=None,
        credits=0,  # billed in dollars; no answer has the price
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=sandbox.account(OpenAIImagesAccount).records,
    )


async def _answer(sandbox: Sandbox, task: Task, wanted: PictureCreate) -> JsonObject:
    """The result of the work. Raises `OpenAIError` for a failure: the code is the HTTP status, or a word with 400."""
    if task.ended is State.FAIL:
        code, message = task.fail_code or "", task.fail_msg or ""
        raise OpenAIError(int(code), message) if code.isdigit() else OpenAIError(400, message, reason=code)
    answer = task.writer.body(task)
    if wanted.is_answered_with_the_picture:
        data: JsonValue = [{"b64_json": await _base64(sandbox, name)} for name in task.results]
        return {**answer, **wanted.told(), "data": data}
    return answer


async def _base64(sandbox: Sandbox, name: str) -> str:
    path = sandbox.media.path(name)
    return "" if path is None else b64encode(await asyncio.to_thread(path.read_bytes)).decode()
