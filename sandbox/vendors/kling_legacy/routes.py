"""Kling's wire in its legacy dialect: creates and status reads. Source: https://kling.ai/document-api."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from pydantic import JsonValue

from sandbox.state import CurrentSandbox
from sandbox.task import JsonObject
from sandbox.validation import json_object
from sandbox.vendors.kling import work
from sandbox.vendors.kling.errors import KlingError
from sandbox.vendors.kling_legacy.account import KlingLegacyAccount
from sandbox.vendors.kling_legacy.callbacks import record
from sandbox.vendors.kling_legacy.models import LegacyCreate, read_create

Authorization = Annotated[str | None, Header(include_in_schema=False)]

router = APIRouter(prefix="/kling_legacy", tags=["Kling, legacy"])


@router.post("/v1/videos/{kind}")
async def create_task(
    kind: str, request: Request, sandbox: CurrentSandbox, authorization: Authorization = None
) -> Response:
    """Start a task: `{"model_name": …, "prompt": …, "duration": "5", …}` gives `{"data": {"task_id": …}}`."""
    account = sandbox.account(KlingLegacyAccount)
    account.authorize(authorization)
    body = await json_object(request)
    if body is None:
        raise KlingError(1200, "The request body is not a JSON object")

    def read(_model: str, body: JsonObject) -> LegacyCreate:
        return read_create(kind, body)

    model, prompt = f"{kind}/{_text(body.get('model_name'))}", _text(body.get("prompt"))
    task = await work.accept(sandbox, account, model=model, prompt=prompt, body=body, read=read)
    accepted = {
        name: value
        for name, value in record(task, sandbox.config.public_url).items()
        if name in {"task_id", "task_info", "created_at", "updated_at"}
    }
    return await work.start(sandbox, task, {**accepted, "task_status": "submitted"})


@router.get("/v1/videos/{kind}/{name}")
async def read_task(kind: str, name: str, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The state of a task of this kind, by Kling's or the customer's id."""
    account = sandbox.account(KlingLegacyAccount)
    account.authorize(authorization)
    task = account.task(name) or account.task_of(name)
    if task is None or not task.model.startswith(f"{kind}/"):
        raise KlingError(1201, "Task not found")
    await work.misbehave(sandbox, [task])
    return work.ok(record(task, sandbox.config.public_url))


@router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def refuse_other_paths(path: str, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Refuse all other paths of Kling, present or past."""
    sandbox.account(KlingLegacyAccount).authorize(authorization)
    raise KlingError(1203, f"There is no resource {path}")


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
