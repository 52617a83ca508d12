"""How Kling accepts work and reports it, in both dialects."""

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import uuid4

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import JsonValue

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.images import ImageNotFetched, fetch_source
from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.scenarios import Scenario
from sandbox.state import Sandbox
from sandbox.task import JsonObject, Task, new_task_id
from sandbox.vendors.kling.account import KlingAccount
from sandbox.vendors.kling.errors import KlingError
from sandbox.videos import SourceVideo, VideoNotFetched, look_at_video

_MAX_IMAGE_BYTES = 50 * 1024**2
_MAX_VIDEO_BYTES = 200 * 1024**2


class AnyCreate(Protocol):
    """The body of a create in either dialect."""

    @property
    def callback_url(self) -> str | None:
        """The URL of the callback's receiver."""

    @property
    def external_id(self) -> str | None:
        """The customer's own id of the task."""

    @property
    def units(self) -> float:
        """The price of the task."""

    def image_sources(self) -> tuple[str, ...]:
        """The URLs of the pictures that Kling fetches, the first frame first."""

    def video_source(self) -> str | None:
        """The URL of the video that Kling fetches."""

    def spec(self, source: SourceImage | None, video: SourceVideo | None) -> MediaSpec:
        """The file that Kling delivers, given picture and video. Raises `KlingError` 1201 for unsuitable inputs."""


async def accept(
    sandbox: Sandbox,
    account: KlingAccount,
    *,
    model: str,
    prompt: str,
    body: JsonObject,
    read: Callable[[str, JsonObject], AnyCreate],
) -> Task:
    """The task of a create, added to the account. Raises `KlingError`."""
    scenario, refusal = sandbox.scenarios.match(prompt=prompt, model=model)
    try:
        await sandbox.arrived(prompt, scenario)
        if refusal is not None:
            raise KlingError.of_scenario(refusal)
        wanted = read(model, body)
        task = await _admit(sandbox, account, wanted, model=model, prompt=prompt, body=body, scenario=scenario)
    except KlingError as error:
        sandbox.creates.refused(prompt, error.code)
        raise
    sandbox.creates.accepted(prompt)
    return task


async def start(sandbox: Sandbox, task: Task, accepted: JsonValue) -> Response:
    """Start a task and return the answer to its create."""
    running = sandbox.engine.start(task)
    if task.scenario.callback == "early":
        await sandbox.lifetime.until_stopped(running)
    return reply_to_create(task.scenario, ok(accepted))


async def misbehave(sandbox: Sandbox, tasks: Sequence[Task]) -> None:
    """Wait and fail as the tasks' scenarios say, when the tasks are read."""
    refusals = []
    for task in tasks:
        number = task.count_read()
        if task.scenario.poll_error is not None and number <= task.scenario.poll_error_times:
            refusals.append(KlingError.of_scenario(task.scenario.poll_error))
    await sandbox.lifetime.pause(max((task.scenario.poll_latency_seconds for task in tasks), default=0))
    if refusals:
        raise refusals[0]


def ok(data: JsonValue) -> Response:
    """Kling's envelope of a success."""
    return JSONResponse({"code": 0, "message": "SUCCEED", "request_id": uuid4().hex, "data": data})


async def _admit(
    sandbox: Sandbox,
    account: KlingAccount,
    wanted: AnyCreate,
    *,
    model: str,
    prompt: str,
    body: JsonObject,
    scenario: Scenario,
) -> Task:
    task_id = new_task_id()
    video = await _video(sandbox, wanted.video_source())
    source = await _source(sandbox, wanted.image_sources(), task_id)
    try:
        spec = wanted.spec(source, video)
        task = Task(
            id=task_id,
            external_id=wanted.external_id,
            model=model,
            prompt=prompt,
            request=body,
            call_back_url=wanted.callback_url,
            spec=spec,
            source=source,
            credits=wanted.units,
            seconds=generation_seconds(sandbox.config, scenario, spec),
            scenario=scenario,
            writer=account.callbacks,
        )
        account.admit(task)
    except KlingError:
        if source is not None:
            source.path.unlink()
        raise
    return task


async def _source(sandbox: Sandbox, urls: Sequence[str], task_id: str) -> SourceImage | None:
    fetching = fetch_source(
        urls, task_id=task_id, max_bytes=_MAX_IMAGE_BYTES, client=sandbox.client, media=sandbox.media
    )
    try:
        return await sandbox.lifetime.until_stopped(fetching)
    except ImageNotFetched as error:
        raise KlingError(1201, str(error)) from None


async def _video(sandbox: Sandbox, url: str | None) -> SourceVideo | None:
    if url is None:
        return None
    try:
        looking = look_at_video(url, max_bytes=_MAX_VIDEO_BYTES, client=sandbox.client)
        return await sandbox.lifetime.until_stopped(looking)
    except VideoNotFetched as error:
        raise KlingError(1201, str(error)) from None
