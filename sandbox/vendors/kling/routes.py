"""Kling's wire in its new dialect: creates and status reads. Source: https://kling.ai/document-api."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from sandbox.state import CurrentSandbox
from sandbox.validation import json_object
from sandbox.vendors.kling import work
from sandbox.vendors.kling.account import KlingAccount
from sandbox.vendors.kling.callbacks import record
from sandbox.vendors.kling.errors import KlingError
from sandbox.vendors.kling.models import prompt_of, read_create

_MOST_IDS = 20

Authorization = Annotated[str | None, Header(include_in_schema=False)]

router = APIRouter(prefix="/kling", tags=["Kling"])


@router.post("/{kind}/{model}")
async def create_task(
    kind: str,
    model: str,
    request: Request,
    sandbox: CurrentSandbox,
    authorization: Authorization = None,
) -> Response:
    """Start a task: `{"prompt": …, "settings": {…}, "options": {…}}` gives `{"data": {"id": …}}`."""
    account = sandbox.account(KlingAccount)
    account.authorize(authorization)
    body = await json_object(request)
    if body is None:
        raise KlingError(1200, "The request body is not a JSON object")
    task = await work.accept(
        sandbox, account, model=f"{kind}/{model}", prompt=prompt_of(body), body=body, read=read_create
    )
    accepted = {
        name: value
        for name, value in record(task, sandbox.config.public_url).items()
        if name in {"id", "create_time", "update_time", "external_id"}
    }
    return await work.start(sandbox, task, {**accepted, "status": "submitted"})


@router.get("/tasks")
async def read_tasks(
    sandbox: CurrentSandbox, task_ids: str = "", external_task_ids: str = "", authorization: Authorization = None
) -> Response:
    """The states of up to 20 tasks, by Kling's or the customer's ids. Unknown ids are left out."""
    account = sandbox.account(KlingAccount)
    account.authorize(authorization)
    if bool(task_ids) == bool(external_task_ids):
        raise KlingError(1201, "Give either task_ids or external_task_ids")
    ids = (task_ids or external_task_ids).split(",")
    if len(ids) > _MOST_IDS:
        raise KlingError(1201, f"Give at most {_MOST_IDS} ids")
    found = [task for name in ids if (task := account.task(name) if task_ids else account.task_of(name)) is not None]
    await work.misbehave(sandbox, found)
    return work.ok([record(task, sandbox.config.public_url) for task in found])


@router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def refuse_other_paths(path: str, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Refuse all other paths of Kling, present or past."""
    sandbox.account(KlingAccount).authorize(authorization)
    raise KlingError(1203, f"There is no resource {path}")
