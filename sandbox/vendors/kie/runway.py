"""Runway at Kie, with its own endpoints. Source: https://docs.kie.ai/runway-api."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, model_validator

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import Size, size_of
from sandbox.state import CurrentSandbox
from sandbox.task import JsonObject, State, Task
from sandbox.validation import HttpUrlText
from sandbox.vendors.kie.account import KieAccount
from sandbox.vendors.kie.callbacks import KieCallbacks, code_of, stamp
from sandbox.vendors.kie.inputs import KieInput, read_as
from sandbox.vendors.kie.tasks import (
    Authorization,
    Create,
    answer_record,
    call_back_url_of,
    create,
    read_object,
    text_of,
)

_MODEL = "runway"
_SIZES: dict[str, Size] = {
    "16:9": (1280, 720),
    "4:3": (1104, 832),
    "1:1": (960, 960),
    "3:4": (832, 1104),
    "9:16": (720, 1280),
}
_LONG_SECONDS = 10
_WORDS = {State.WAITING: "wait", State.QUEUING: "queueing"}
_FAILURE_CODES = frozenset({400, 500})

router = APIRouter()


class RunwayInput(KieInput):
    """The body of a create."""

    prompt: str = Field(min_length=1, max_length=1800)
    image_url: HttpUrlText | None = Field(default=None, alias="imageUrl")
    # The documented type is "number"; the page's example has a string.
    duration: Literal[5, 10, "5", "10"]
    quality: Literal["720p", "1080p"]
    aspect_ratio: Literal["16:9", "4:3", "1:1", "3:4", "9:16"] | None = Field(default=None, alias="aspectRatio")
    water_mark: str = Field(default="", alias="waterMark")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.quality == "1080p" and int(self.duration) == _LONG_SECONDS:
            raise ValueError("a video of 10 s cannot be 1080p")
        if self.image_url is None and self.aspect_ratio is None:
            raise ValueError("aspectRatio is needed without imageUrl")
        return self

    def image_sources(self) -> tuple[str, ...]:
        return () if self.image_url is None else (self.image_url,)

    def credits(self) -> float:
        return 30 if int(self.duration) == _LONG_SECONDS or self.quality == "1080p" else 12

    def spec(self, source: SourceImage | None) -> MediaSpec:
        ratio = "auto" if source is not None or self.aspect_ratio is None else self.aspect_ratio
        width, height = size_of(_SIZES, ratio, source)
        scale = 1.5 if self.quality == "1080p" else 1
        return MediaSpec(
            format="mp4",
            width=round(width * scale),
            height=round(height * scale),
            duration_seconds=int(self.duration),
            frame_rate=24,
        )


class RunwayCallbacks(KieCallbacks):
    """A record with a word for the state, and callbacks in snake case."""

    def record(self, task: Task) -> JsonObject:
        hidden = task.scenario.state_word is not None
        failed = task.ended is State.FAIL and not hidden
        links = [] if hidden else self._links(task)
        return {
            "taskId": task.id,
            "parentTaskId": "",
            "generateParam": {"prompt": task.prompt, "imageUrl": text_of(task.request, "imageUrl")},
            "state": task.scenario.state_word or _WORDS.get(task.state, str(task.state)),
            "generateTime": stamp(task.created_at if hidden else task.completed_at or task.created_at),
            "videoInfo": {"videoId": task.id, "taskId": task.id, "videoUrl": links[0], "imageUrl": ""}
            if links
            else None,
            "failCode": code_of(task) if failed else None,
            "failMsg": task.fail_msg if failed else "",
            "expireFlag": 0,
        }

    def _success(self, task: Task, links: Sequence[str]) -> JsonObject:
        return {"code": 200, "msg": "All generated successfully.", "data": _told(task, task.id, "".join(links))}

    def _failure(self, task: Task) -> JsonObject:
        code = code_of(task)
        return {"code": code if code in _FAILURE_CODES else 500, "msg": task.fail_msg, "data": _told(task, "", "")}


@router.post("/api/v1/runway/generate")
async def generate(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Start a video: `{"prompt": …, "duration": …, "quality": …}` gives `{"data": {"taskId": …}}`."""
    sandbox.account(KieAccount).authorize(authorization)
    body = await read_object(request)
    fields = {name: value for name, value in body.items() if name != "callBackUrl"}
    return await create(
        sandbox,
        Create(
            body=body,
            model=_MODEL,
            prompt=text_of(body, "prompt"),
            call_back_url=call_back_url_of(body),
            read=partial(read_as, RunwayInput, fields),
            writer=RunwayCallbacks,
        ),
    )


@router.get("/api/v1/runway/record-detail")
async def record_detail(
    sandbox: CurrentSandbox,
    task_id: Annotated[str, Query(alias="taskId")] = "",
    authorization: Authorization = None,
) -> Response:
    """The state of a video and, at its end, its URL."""
    sandbox.account(KieAccount).authorize(authorization)
    return await answer_record(sandbox, task_id, RunwayCallbacks)


def _told(task: Task, video_id: str, link: str) -> JsonObject:
    return {"task_id": task.id, "video_id": video_id, "video_url": link, "image_url": ""}
