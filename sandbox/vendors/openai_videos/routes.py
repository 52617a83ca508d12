"""The OpenAI-compatible videos wire: create, read, list, fetch the content, and delete.

OpenAI has shut down its own service; other vendors' gateways serve the same routes. Source: `resources/videos.py` and
`types/video*.py` of https://github.com/openai/openai-python. The client's base URL is `/openai_videos`: `/v1`, the
usual end of base URLs, is a part of that path.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from sandbox.creates import generation_seconds, reply_to_create
from sandbox.files import read_file
from sandbox.frames import UnreadableImage
from sandbox.images import ImageNotFetched, fetch_source
from sandbox.media_store import SourceImage
from sandbox.openai_errors import OpenAIError
from sandbox.scenarios import Scenario
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import State, Task, new_task_id
from sandbox.vendors.openai_videos.account import OpenAIVideosAccount
from sandbox.vendors.openai_videos.body import REFERENCE, CreateBody, read_body
from sandbox.vendors.openai_videos.models import MAX_REFERENCE_BYTES, VideoCreate, read_create, read_list
from sandbox.vendors.openai_videos.record import video

Authorization = Annotated[str | None, Header(include_in_schema=False)]

router = APIRouter(prefix="/openai_videos", tags=["OpenAI-compatible videos"])


@router.post("/videos")
async def create_video(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Start a video with `prompt`, `model`, `seconds`, `size`, `input_reference`, in a form or in JSON."""
    sandbox.account(OpenAIVideosAccount).authorize(authorization)
    body = await read_body(request)
    scenario, refusal = sandbox.scenarios.match(prompt=body.prompt, model=body.model)
    try:
        await sandbox.arrived(body.prompt, scenario)
        if refusal is not None:
            raise OpenAIError.of_scenario(refusal)
        task = await _task(sandbox, body, scenario)
    except OpenAIError as error:
        sandbox.creates.refused(body.prompt, error.code)
        raise
    sandbox.creates.accepted(body.prompt)
    accepted = JSONResponse({**video(task), "status": "queued", "progress": 0})
    sandbox.engine.start(task)
    return reply_to_create(scenario, accepted)


@router.get("/videos")
async def list_videos(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """A page of the account's videos, by `after`, `limit` and `order`: `desc` (newest first) or `asc`."""
    account = sandbox.account(OpenAIVideosAccount)
    account.authorize(authorization)
    wanted = read_list(dict(request.query_params))
    ours = [task for task in sandbox.engine.tasks("") if account.owns(task)]
    listed = [video(task) for task in (ours if wanted.order == "asc" else reversed(ours))]
    ids = [one["id"] for one in listed]
    if wanted.after is not None:
        listed = listed[ids.index(_find(sandbox, wanted.after, authorization).id) + 1 :]
    page = listed[: wanted.limit]
    ends = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
    return JSONResponse({"object": "list", "data": page, **ends, "has_more": len(page) < len(listed)})


@router.get("/videos/{video_id}")
async def retrieve_video(video_id: str, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """The present state of a video."""
    task = _find(sandbox, video_id, authorization)
    scenario, number = task.scenario, task.count_read()
    await sandbox.lifetime.pause(scenario.poll_latency_seconds)
    if scenario.poll_error is not None and number <= scenario.poll_error_times:
        raise OpenAIError.of_scenario(scenario.poll_error)
    return JSONResponse(video(task))


@router.get("/videos/{video_id}/content")
async def download_content(
    video_id: str,
    request: Request,
    sandbox: CurrentSandbox,
    variant: str = "video",
    authorization: Authorization = None,
) -> Response:
    """The bytes of a completed video. The sandbox has no thumbnails and spritesheets."""
    task = _find(sandbox, video_id, authorization)
    if variant != "video":
        raise OpenAIError(400, f"Invalid value for 'variant': there is no {variant} here", param="variant")
    if task.ended is not State.SUCCESS or not task.results:
        raise OpenAIError(404, f"Video {video_id} is not ready: it is {video(task)['status']}")
    return await read_file(task.results[0], request, sandbox)


@router.delete("/videos/{video_id}")
async def delete_video(video_id: str, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Delete a finished video for good. OpenAI does not document the answer for an open one."""
    task = _find(sandbox, video_id, authorization)
    if task.ended is None:
        raise OpenAIError(400, f"Video {video_id} cannot be deleted: it is {video(task)['status']}", param="video_id")
    sandbox.account(OpenAIVideosAccount).delete(task)
    return JSONResponse({"id": video_id, "object": "video.deleted", "deleted": True})


@router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
async def refuse_other_paths(
    path: str, request: Request, sandbox: CurrentSandbox, authorization: Authorization = None
) -> Response:
    """Refuse OpenAI's other paths: remixes, edits, extensions, characters."""
    sandbox.account(OpenAIVideosAccount).authorize(authorization)
    raise OpenAIError(404, f"Invalid URL ({request.method} /{path})")


def _find(sandbox: Sandbox, video_id: str, authorization: str | None) -> Task:
    sandbox.account(OpenAIVideosAccount).authorize(authorization)
    task = sandbox.engine.task(video_id)
    if task is None or not sandbox.account(OpenAIVideosAccount).owns(task):
        raise OpenAIError(404, f"Video with id '{video_id}' not found.", param="video_id")
    return task


async def _task(sandbox: Sandbox, body: CreateBody, scenario: Scenario) -> Task:
    """The task. Raises `OpenAIError`."""
    wanted = read_create(body.fields)
    task_id = f"video_{new_task_id()}"
    source = await _source(sandbox, wanted, body.picture, task_id)
    spec = wanted.spec()
    return Task(
        id=task_id,
        model=wanted.model,
        prompt=wanted.prompt,
        request=body.fields,
        call_back_url=None,
        spec=spec,
        source=source,
        credits=0,  # billed in dollars; no answer has the price
        seconds=generation_seconds(sandbox.config, scenario, spec),
        scenario=scenario,
        writer=sandbox.account(OpenAIVideosAccount).events,
    )


async def _source(sandbox: Sandbox, wanted: VideoCreate, picture: bytes | None, task_id: str) -> SourceImage | None:
    if picture is not None:
        try:
            return await sandbox.media.keep_source(f"source-{task_id}", picture)
        except UnreadableImage:
            raise OpenAIError(400, f"Invalid value for '{REFERENCE}': not an image", param=REFERENCE) from None
    fetching = fetch_source(
        wanted.image_sources(),
        task_id=task_id,
        max_bytes=MAX_REFERENCE_BYTES,
        client=sandbox.client,
        media=sandbox.media,
    )
    try:
        return await sandbox.lifetime.until_stopped(fetching)
    except ImageNotFetched as error:
        raise OpenAIError(400, str(error), param=REFERENCE) from None
