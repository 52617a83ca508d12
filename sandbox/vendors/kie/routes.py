"""Kie's wire: Market tasks, download links and the balance. Veo and Runway have their own modules.

Kie answers HTTP 200 to every request; the JSON `code` tells success from failure. Source: https://docs.kie.ai.
"""

import time
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, JsonValue, ValidationError

from sandbox.config import file_url
from sandbox.media import MediaSpec
from sandbox.scenarios import NORMAL
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import Task
from sandbox.validation import sentences
from sandbox.vendors.kie import runway, veo
from sandbox.vendors.kie.account import KieAccount
from sandbox.vendors.kie.callbacks import MarketCallbacks
from sandbox.vendors.kie.errors import KieError
from sandbox.vendors.kie.models import read_input
from sandbox.vendors.kie.tasks import (
    Authorization,
    Create,
    WithCallback,
    answer_record,
    create,
    ok,
    read_object,
    text_of,
)

_LINK_SECONDS = 20 * 60

router = APIRouter(prefix="/kie", tags=["Kie"])
router.include_router(veo.router)
router.include_router(runway.router)


class _CreateRequest(WithCallback):
    """The fields of createTask that all models share."""

    model: str | None = None
    input: dict[str, JsonValue] = Field(default={})


@router.post("/api/v1/jobs/createTask")
async def create_task(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Start a task: `{"model": …, "input": {…}, "callBackUrl": …}` gives `{"data": {"taskId": …}}`."""
    sandbox.account(KieAccount).authorize(authorization)
    body = await read_object(request)
    try:
        asked = _CreateRequest.model_validate(body)
    except ValidationError as error:
        raise KieError(422, sentences(error)) from None
    return await create(
        sandbox,
        Create(
            body=body,
            model=asked.model or "",
            prompt=text_of(asked.input, "prompt"),
            call_back_url=asked.call_back_url,
            read=partial(read_input, asked.model, asked.input),
            writer=MarketCallbacks,
        ),
    )


@router.get("/api/v1/jobs/recordInfo")
async def record_info(
    sandbox: CurrentSandbox,
    task_id: Annotated[str, Query(alias="taskId")] = "",
    authorization: Authorization = None,
) -> Response:
    """The state of a task and, at its end, the URLs of its results."""
    sandbox.account(KieAccount).authorize(authorization)
    return await answer_record(sandbox, task_id, MarketCallbacks, otherwise=partial(_adopted, sandbox, task_id))


@router.post("/api/v1/common/download-url")
async def download_url(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """A link to a result, valid for 20 minutes: `{"url": …}` gives `{"data": "https://…"}`."""
    sandbox.account(KieAccount).authorize(authorization)
    url = (await read_object(request)).get("url")
    plain = url.partition("?")[0] if isinstance(url, str) else ""
    name = plain.rpartition("/")[2]
    if plain != file_url(sandbox.config.public_url, name) or sandbox.media.path(name) is None:
        raise KieError(422, "The url is not that of a file that was generated here")
    return ok(f"{plain}?expires={int(time.time()) + _LINK_SECONDS}")


@router.get("/api/v1/chat/credit")
async def credit(sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The account's balance."""
    sandbox.account(KieAccount).authorize(authorization)
    return ok(sandbox.account(KieAccount).credits)


def _adopted(sandbox: Sandbox, task_id: str) -> Task | None:
    """A task with an adopted id: it runs from now on, without end. None for any other id."""
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
        writer=MarketCallbacks(sandbox.config),
    )
    sandbox.engine.adopt(task)
    return task
