"""Servers of one's own that speak the videos wire, each below its name: `vllm-omni`, `sglang`, `sglang-cloud`.

Sources: `docs/serving/videos_api.md` and `entrypoints/openai/protocol/videos.py` of
https://github.com/vllm-project/vllm-omni, and `multimodal_gen/runtime/entrypoints/openai/video_api.py` of
https://github.com/sgl-project/sglang. `sglang-cloud` keeps its results in cloud storage: a state has the link, and
`/content` answers 400.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from sandbox.config import file_url
from sandbox.creates import generation_seconds, reply_to_create
from sandbox.files import read_file
from sandbox.frames import UnreadableImage
from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.openai_errors import OpenAIError
from sandbox.scenarios import ErrorReply, Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import JsonObject, State, Task, new_task_id
from sandbox.validation import sentences
from sandbox.vendors.openai_videos.account import OpenAIVideosAccount
from sandbox.vendors.openai_videos.body import CreateBody, read_body
from sandbox.vendors.openai_videos.record import video

Authorization = Annotated[str | None, Header(include_in_schema=False)]

_FRAME_RATE = 24
_SECONDS = 4


class DetailError(OpenAIError):
    """FastAPI's own error: `{"detail": …}`."""


@dataclass(frozen=True)
class Server:
    """A kind of server."""

    tells_details: bool
    """Whether errors are FastAPI's `{"detail": …}`. Otherwise they are OpenAI's."""
    forms_need_file: bool
    """Whether a form without a picture is refused."""
    counts_seconds: bool
    """Whether `seconds` is a number in answers."""
    tells_progress: bool
    """Whether an open video tells its state and percentage. Otherwise it is `queued` with 0 until its end."""
    aborts: bool
    """Whether `DELETE` stops open work. Otherwise the record goes, and the work runs on."""
    links: bool = False
    """Whether a completed video has its link in `url`, and no content."""

    def error(self, code: int, message: str, *, retry_after: int | None = None) -> OpenAIError:
        """A refusal in the server's form."""
        kind = DetailError if self.tells_details else OpenAIError
        return kind(code, message, retry_after=retry_after)

    def of_scenario(self, error: ErrorReply) -> OpenAIError:
        """The error that a scenario describes."""
        return self.error(error.http_status or error.code, error.msg, retry_after=error.retry_after)


SERVERS: Mapping[str, Server] = {
    "vllm-omni": Server(
        tells_details=False, forms_need_file=False, counts_seconds=False, tells_progress=True, aborts=True
    ),
    "sglang": Server(tells_details=True, forms_need_file=True, counts_seconds=True, tells_progress=False, aborts=False),
    "sglang-cloud": Server(
        tells_details=True, forms_need_file=True, counts_seconds=True, tells_progress=False, aborts=False, links=True
    ),
}

router = APIRouter(prefix="/openai_videos/{engine}", tags=["OpenAI-compatible videos of one's own"])


class Create(BaseModel):
    """The fields of a create. A form has texts, which count as numbers where a number is due."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: Annotated[str, Field(min_length=1)]
    model: str | None = None
    seconds: Annotated[int, Field(ge=1)] = _SECONDS
    size: Annotated[str, Field(pattern=r"^\d+x\d+$")] | None = None
    width: Annotated[int, Field(ge=1)] | None = None
    height: Annotated[int, Field(ge=1)] | None = None
    fps: Annotated[int, Field(ge=1)] | None = None
    num_frames: Annotated[int, Field(ge=1)] | None = None
    seed: int | None = None
    negative_prompt: str | None = None

    def spec(self) -> MediaSpec:
        """The file that the server delivers. `size` wins over `width` and `height`."""
        sides = self.size or f"{self.width or 1280}x{self.height or 720}"
        width, height = (int(side) // 2 * 2 for side in sides.split("x"))
        frame_rate = self.fps or _FRAME_RATE
        frames = self.num_frames or self.seconds * frame_rate
        return MediaSpec(
            format="mp4", width=width, height=height, duration_seconds=frames / frame_rate, frame_rate=frame_rate
        )


def _server(sandbox: Sandbox, engine: str, authorization: str | None) -> Server:
    server = SERVERS.get(engine)
    if server is None:
        raise DetailError(404, "Not Found")
    sandbox.account(OpenAIVideosAccount).authorize(authorization)
    return server


@router.post("/videos")
async def create_video(
    engine: str, request: Request, sandbox: CurrentSandbox, authorization: Authorization = None
) -> Response:
    """Start a video, from a form or from JSON."""
    server = _server(sandbox, engine, authorization)
    body = await read_body(request)
    is_form = request.headers.get("Content-Type", "").startswith("multipart/form-data")
    scenario, refusal = sandbox.scenarios.match(prompt=body.prompt, model=body.model)
    try:
        await sandbox.arrived(body.prompt, scenario)
        if refusal is not None:
            raise server.of_scenario(refusal)
        if is_form and server.forms_need_file and body.picture is None:
            raise server.error(400, "input_reference file is required")
        task = await _task(sandbox, server, body, scenario)
    except OpenAIError as error:
        sandbox.creates.refused(body.prompt, error.code)
        raise
    sandbox.creates.accepted(body.prompt)
    accepted = JSONResponse({**_record(sandbox, server, task), "status": "queued", "progress": 0})
    sandbox.engine.start(task)
    return reply_to_create(scenario, accepted)


@router.get("/videos")
async def list_videos(engine: str, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The server's videos, newest first."""
    server = _server(sandbox, engine, authorization)
    account = sandbox.account(OpenAIVideosAccount)
    ours = [task for task in sandbox.engine.tasks("") if account.owns(task)]
    return JSONResponse({"object": "list", "data": [_record(sandbox, server, task) for task in reversed(ours)]})


@router.get("/videos/{video_id}")
async def retrieve_video(
    engine: str, video_id: str, sandbox: CurrentSandbox, authorization: Authorization = None
) -> Response:
    """The present state of a video."""
    server = _server(sandbox, engine, authorization)
    task = _find(sandbox, server, video_id)
    number = task.count_read()
    await sandbox.lifetime.pause(task.scenario.poll_latency_seconds)
    if task.scenario.poll_error is not None and number <= task.scenario.poll_error_times:
        raise server.of_scenario(task.scenario.poll_error)
    return JSONResponse(_record(sandbox, server, task))


@router.get("/videos/{video_id}/content")
async def download_content(
    engine: str, video_id: str, request: Request, sandbox: CurrentSandbox, authorization: Authorization = None
) -> Response:
    """The bytes of a completed video."""
    server = _server(sandbox, engine, authorization)
    task = _find(sandbox, server, video_id)
    if server.links:
        raise server.error(400, "The video is in cloud storage: use its url")
    if task.ended is not State.SUCCESS or not task.results:
        raise server.error(404, "Generation is still in-progress")
    return await read_file(task.results[0], request, sandbox)


@router.delete("/videos/{video_id}")
async def delete_video(
    engine: str, video_id: str, sandbox: CurrentSandbox, authorization: Authorization = None
) -> Response:
    """Delete a video, with its file. The work of an open one stops where the server can abort work."""
    server = _server(sandbox, engine, authorization)
    task = _find(sandbox, server, video_id)
    task.cancels += 1
    error = task.scenario.cancel_error
    if error is not None and task.cancels <= task.scenario.cancel_error_times:
        raise server.of_scenario(error)
    is_kept = task.ended is None and server.aborts and task.scenario.cancel != "normal"
    if task.ended is None and server.aborts:
        sandbox.engine.cancel(task)
    if not is_kept:
        sandbox.account(OpenAIVideosAccount).delete(task)
    if server.aborts:
        return JSONResponse({"id": video_id, "deleted": not is_kept, "object": "video.deleted"})
    return JSONResponse({**_record(sandbox, server, task), "status": "deleted"})


async def _task(sandbox: Sandbox, server: Server, body: CreateBody, scenario: Scenario) -> Task:
    try:
        wanted = Create.model_validate(body.fields)
    except ValidationError as error:
        raise server.error(400, f"Invalid request body: {sentences(error)}") from None
    task_id = f"video_{new_task_id()}"
    spec = wanted.spec()
    return Task(
        id=task_id,
        model=wanted.model or "",
        prompt=wanted.prompt,
        request=body.fields,
        call_back_url=None,
        spec=spec,
        source=await _source(sandbox, server, body, task_id),
        credits=0,
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=sandbox.account(OpenAIVideosAccount).events,
    )


async def _source(sandbox: Sandbox, server: Server, body: CreateBody, task_id: str) -> SourceImage | None:
    if body.picture is None:
        return None
    try:
        return await sandbox.media.keep_source(f"source-{task_id}", body.picture)
    except UnreadableImage:
        raise server.error(400, "input_reference is not an image") from None


def _record(sandbox: Sandbox, server: Server, task: Task) -> JsonObject:
    record = video(task)
    if server.counts_seconds:
        record["seconds"] = round(task.spec.duration_seconds)
    if not server.tells_progress and task.ended is None and task.scenario.state_word is None:
        record |= {"status": "queued", "progress": 0}
    link: JsonValue = None
    if server.links and task.ended is State.SUCCESS and task.results and task.scenario.state_word is None:
        link = file_url(sandbox.config.public_url, task.results[0])
    return {**record, "url": link} if server.tells_details else record


def _find(sandbox: Sandbox, server: Server, video_id: str) -> Task:
    task = sandbox.engine.task(video_id)
    if task is None or not sandbox.account(OpenAIVideosAccount).owns(task) or task.ended is State.CANCELLED:
        raise server.error(404, "Video not found")
    return task
