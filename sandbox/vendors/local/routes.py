"""A model server: docs/model-server.md. A stopped sandbox forgets its jobs, as a server without its state folder."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.files import read_file
from sandbox.frames import UnreadableImage
from sandbox.media_store import SourceImage
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import JsonObject, State, Task, new_task_id
from sandbox.validation import json_object
from sandbox.vendors.local.account import LocalAccount
from sandbox.vendors.local.errors import LocalError
from sandbox.vendors.local.models import JobCreate, read_create, text_of
from sandbox.vendors.local.pipelines import PIPELINES
from sandbox.vendors.local.record import JobWriter

_OK = 200
_METRICS = "reelworks_model_server_"
_ACCEPTED = 202

router = APIRouter(prefix="/local", tags=["Model server"])


async def _authorized(
    sandbox: CurrentSandbox, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
) -> LocalAccount:
    account = sandbox.account(LocalAccount)
    account.authorize(authorization)
    return account


CurrentAccount = Annotated[LocalAccount, Depends(_authorized)]


@router.get("/health")
async def health(sandbox: CurrentSandbox) -> Response:
    """Whether the server takes jobs. Needs no key."""
    account = sandbox.account(LocalAccount)
    counts: JsonObject = {"queued": account.slots.waiting, "running": account.slots.running}
    return JSONResponse({"status": "ok", **counts, "device": "cpu", "instance": account.instance})


@router.get("/metrics")
async def metrics(sandbox: CurrentSandbox) -> Response:
    """Prometheus' text. Needs no key."""
    slots = sandbox.account(LocalAccount).slots
    counts = {"queued": slots.waiting, "running": slots.running}
    lines = [f"# TYPE {_METRICS}{name} gauge\n{_METRICS}{name} {float(count)}\n" for name, count in counts.items()]
    return PlainTextResponse("".join(lines))


@router.get("/v1/pipelines")
async def list_pipelines(_account: CurrentAccount) -> Response:
    """The configured pipelines."""
    listed = [
        {
            "name": each.name,
            "kind": each.kind,
            "takes_prompt": each.takes_prompt,
            "takes_image": each.takes_image,
            "class": each.class_name,
            "source": f"sandbox/{each.name}",
            "revision": None,
            "loaded": True,
            "memory_bytes": 0,
        }
        for each in PIPELINES.values()
    ]
    return JSONResponse({"pipelines": listed})


@router.post("/v1/jobs", status_code=_ACCEPTED)
async def create_job(request: Request, sandbox: CurrentSandbox, account: CurrentAccount) -> Response:
    """Queue a job. The same reference again gives the job that has it."""
    fields = await json_object(request)
    if fields is None:
        raise LocalError(400, "invalid_request", "The body is not a JSON object")
    prompt, pipeline = text_of(fields, "prompt"), text_of(fields, "pipeline")
    if (known := _with_reference(sandbox, text_of(fields, "reference"))) is not None:
        if known.request != fields:
            raise LocalError(409, "reference_conflict", "There is a different job with this reference")
        return JSONResponse(_body(known), status_code=_OK)
    scenario, refusal = sandbox.scenarios.match(prompt=prompt, model=pipeline)
    try:
        await sandbox.arrived(prompt, scenario)
        if refusal is not None:
            raise LocalError.of_scenario(refusal)
        task = await _task(sandbox, account, fields, scenario)
    except LocalError as error:
        sandbox.creates.refused(prompt, error.code)
        raise
    sandbox.creates.accepted(prompt)
    job = {**_body(task), "status": "queued", "progress": 0, "ahead": account.slots.waiting}
    sandbox.engine.start(task)
    return reply_to_create(scenario, JSONResponse(job, status_code=_ACCEPTED))


@router.get("/v1/jobs")
async def find_jobs(reference: str, sandbox: CurrentSandbox, _account: CurrentAccount) -> Response:
    """The job with this reference, if there is one."""
    found = _with_reference(sandbox, reference)
    return JSONResponse({"jobs": [] if found is None else [_body(found)]})


@router.get("/v1/jobs/{job_id}")
async def read_job(job_id: str, sandbox: CurrentSandbox, _account: CurrentAccount) -> Response:
    """The present state of a job."""
    task = _find(sandbox, job_id)
    scenario, number = task.scenario, task.count_read()
    await sandbox.lifetime.pause(scenario.poll_latency_seconds)
    if scenario.poll_error is not None and number <= scenario.poll_error_times:
        raise LocalError.of_scenario(scenario.poll_error)
    return JSONResponse(_body(task))


@router.delete("/v1/jobs/{job_id}")
async def cancel_job(job_id: str, sandbox: CurrentSandbox, _account: CurrentAccount) -> Response:
    """Stop a job and answer its state. A finished job stays as it is."""
    task = _find(sandbox, job_id)
    task.cancels += 1
    error = task.scenario.cancel_error
    if error is not None and task.cancels <= task.scenario.cancel_error_times:
        raise LocalError.of_scenario(error)
    sandbox.engine.cancel(task)
    return JSONResponse(_body(task))


@router.get("/v1/jobs/{job_id}/file")
async def read_job_file(job_id: str, request: Request, sandbox: CurrentSandbox, _account: CurrentAccount) -> Response:
    """The result, with byte ranges."""
    task = _find(sandbox, job_id)
    if task.ended is not State.SUCCESS or not task.results:
        raise LocalError(409, "job_not_finished", f"The job is {_body(task)['status']}")
    if sandbox.media.path(task.results[0]) is None:
        raise LocalError(410, "file_expired", "The file was deleted")
    return await read_file(task.results[0], request, sandbox)


async def _task(sandbox: Sandbox, account: LocalAccount, fields: JsonObject, scenario: Scenario) -> Task:
    wanted = read_create(fields)
    pipeline = wanted.check()
    if wanted.webhook_url is not None and account.webhook_secret is None:
        raise LocalError(422, "invalid_request", "webhook_url: this server has no key to sign webhooks with")
    task_id, spec = new_task_id(), wanted.spec(pipeline)
    seed = secrets.randbelow(2**31) if wanted.seed is None else wanted.seed
    writer = JobWriter(
        sandbox.media, account.webhook_secret, account.instance, steps=wanted.steps or pipeline.steps, seed=seed
    )
    return Task(
        id=task_id,
        model=pipeline.name,
        prompt=wanted.prompt or "",
        request=fields,
        call_back_url=wanted.webhook_url,
        spec=spec,
        source=await _source(sandbox, wanted, task_id),
        credits=0,  # an own machine has no price
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=writer,
        external_id=wanted.reference,
        slots=account.slots,
    )


async def _source(sandbox: Sandbox, wanted: JobCreate, task_id: str) -> SourceImage | None:
    content = wanted.picture()
    if content is None:
        return None
    try:
        return await sandbox.media.keep_source(f"source-{task_id}", content)
    except UnreadableImage:
        raise LocalError(422, "invalid_request", "image: cannot be read as a picture") from None


def _body(task: Task) -> JsonObject:
    return task.writer.body(task)


def _with_reference(sandbox: Sandbox, reference: str) -> Task | None:
    ours = (task for task in sandbox.engine.tasks("") if isinstance(task.writer, JobWriter))
    return next((task for task in ours if task.external_id == reference), None)


def _find(sandbox: Sandbox, job_id: str) -> Task:
    task = sandbox.engine.task(job_id)
    if task is None or not isinstance(task.writer, JobWriter):
        raise LocalError(404, "job_not_found", f"There is no job {job_id}")
    return task
