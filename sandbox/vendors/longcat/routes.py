"""A LongCat-Video endpoint: docs/longcat-endpoint.md.

`/longcat` answers a create with a job. `/longcat/at-once` simulates a service that keeps no jobs: it answers when the
video is done, and has no other call.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.images import ImageNotFetched, fetch_source
from sandbox.media_store import SourceImage
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import JsonObject, State, Task, new_task_id
from sandbox.validation import json_object
from sandbox.vendors.longcat.account import LongCatAccount
from sandbox.vendors.longcat.errors import LongCatError
from sandbox.vendors.longcat.models import MAX_INPUT_BYTES, VideoCreate, prompt_of, read_create
from sandbox.vendors.longcat.record import word_of

_ACCEPTED = 202

router = APIRouter(prefix="/longcat", tags=["LongCat-Video"])


async def _authorized(
    sandbox: CurrentSandbox, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
) -> LongCatAccount:
    account = sandbox.account(LongCatAccount)
    account.authorize(authorization)
    return account


CurrentAccount = Annotated[LongCatAccount, Depends(_authorized)]


@router.post("", status_code=_ACCEPTED)
async def create_job(request: Request, sandbox: CurrentSandbox, account: CurrentAccount) -> Response:
    """Start a job: `{"prompt": …, "num_frames": 93, "fps": 15, "reference": …}` gives the queued job."""
    task = await _accepted_task(request, sandbox, account)
    job = {**account.records.body(task), "status": "queued", "progress": 0}
    sandbox.engine.start(task)
    return reply_to_create(task.scenario, JSONResponse(job, status_code=_ACCEPTED))


@router.post("/at-once")
async def create_video(request: Request, sandbox: CurrentSandbox, account: CurrentAccount) -> Response:
    """Make a video and answer when it is done."""
    task = await _accepted_task(request, sandbox, account)
    await sandbox.lifetime.until_stopped(sandbox.engine.start(task))
    if task.ended is State.FAIL:
        raise LongCatError.of_failure(word_of(task), task.fail_msg or "")
    return reply_to_create(task.scenario, JSONResponse(account.records.at_once(task)))


@router.get("/at-once")
async def refuse_search(_account: CurrentAccount) -> Response:
    """Refuse searches: such a service has only the create."""
    raise LongCatError(405, "no_such_method", "There is only POST")


@router.get("")
async def find_jobs(reference: str, sandbox: CurrentSandbox, account: CurrentAccount) -> Response:
    """The job with this reference, if there is one."""
    found = _with_reference(sandbox, account, reference)
    return JSONResponse({"jobs": [account.records.body(task) for task in found]})


@router.get("/{job_id}")
async def read_job(job_id: str, sandbox: CurrentSandbox, account: CurrentAccount) -> Response:
    """The present state of a job."""
    task = _find(sandbox, account, job_id)
    scenario, number = task.scenario, task.count_read()
    await sandbox.lifetime.pause(scenario.poll_latency_seconds)
    if scenario.poll_error is not None and number <= scenario.poll_error_times:
        raise LongCatError.of_scenario(scenario.poll_error)
    return JSONResponse(account.records.body(task))


@router.delete("/{job_id}")
async def cancel_job(job_id: str, sandbox: CurrentSandbox, account: CurrentAccount) -> Response:
    """Stop a job and answer its state. A finished job stays as it is."""
    task = _find(sandbox, account, job_id)
    task.cancels += 1
    error = task.scenario.cancel_error
    if error is not None and task.cancels <= task.scenario.cancel_error_times:
        raise LongCatError.of_scenario(error)
    sandbox.engine.cancel(task)
    return JSONResponse(account.records.body(task))


async def _accepted_task(request: Request, sandbox: Sandbox, account: LongCatAccount) -> Task:
    """The task of an accepted create. Raises `LongCatError` for a refused one."""
    fields = await json_object(request)
    if fields is None:
        raise LongCatError(400, "invalid_input", "The body is not a JSON object")
    prompt = prompt_of(fields)
    scenario, refusal = sandbox.scenarios.match(prompt=prompt, model="longcat-video")
    try:
        await sandbox.arrived(prompt, scenario)
        if refusal is not None:
            raise LongCatError.of_scenario(refusal)
        task = await _task(sandbox, account, fields, scenario)
    except LongCatError as error:
        sandbox.creates.refused(prompt, error.code)
        raise
    sandbox.creates.accepted(prompt)
    return task


async def _task(sandbox: Sandbox, account: LongCatAccount, fields: JsonObject, scenario: Scenario) -> Task:
    wanted = read_create(fields)
    if wanted.reference is not None and _with_reference(sandbox, account, wanted.reference):
        raise LongCatError(409, "reference_taken", "There is a job with this reference")
    task_id = new_task_id()
    source = await _source(sandbox, wanted, task_id)
    spec = wanted.spec(source)
    return Task(
        id=task_id,
        model="longcat-video",
        prompt=wanted.prompt,
        request=fields,
        call_back_url=None,
        spec=spec,
        source=source,
        credits=0,  # an own machine has no price
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=account.records,
        external_id=wanted.reference,
    )


async def _source(sandbox: Sandbox, wanted: VideoCreate, task_id: str) -> SourceImage | None:
    """The first frame of the input. Raises `LongCatError`."""
    fetching = fetch_source(
        [] if wanted.input_url is None else [wanted.input_url],
        task_id=task_id,
        max_bytes=MAX_INPUT_BYTES,
        client=sandbox.client,
        media=sandbox.media,
    )
    try:
        return await sandbox.lifetime.until_stopped(fetching)
    except ImageNotFetched as error:
        raise LongCatError(422, "input_unreadable", str(error)) from None


def _with_reference(sandbox: Sandbox, account: LongCatAccount, reference: str) -> list[Task]:
    ours = [task for task in sandbox.engine.tasks("") if task.writer is account.records]
    return [task for task in ours if task.external_id == reference]


def _find(sandbox: Sandbox, account: LongCatAccount, job_id: str) -> Task:
    task = sandbox.engine.task(job_id)
    if task is None or task.writer is not account.records:
        raise LongCatError(404, "not_found", f"There is no job {job_id}")
    return task
