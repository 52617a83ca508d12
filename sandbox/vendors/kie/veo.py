"""Veo at Kie, with its own endpoints. Source: https://docs.kie.ai/veo3-api."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Final, Literal, Self

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, PrivateAttr, model_validator

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import Size, size_of
from sandbox.state import CurrentSandbox, Sandbox
from sandbox.task import JsonObject, State, Task
from sandbox.validation import HttpUrlText
from sandbox.vendors.kie.account import KieAccount
from sandbox.vendors.kie.callbacks import KieCallbacks, code_of, stamp
from sandbox.vendors.kie.errors import KieError
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

_DEFAULT: Final = "veo3_fast"
_MOST_FRAMES = 2
_REFERENCE_SECONDS = 8
_SIZES: dict[str, Size] = {"16:9": (1280, 720), "9:16": (720, 1280)}
_SCALES = {"720p": 1.0, "1080p": 1.5, "4k": 3.0}
# https://kie.ai/veo-3-1
_CREDITS = {
    "veo3": {"720p": 250, "1080p": 255, "4k": 370},
    "veo3_fast": {"720p": 60, "1080p": 65, "4k": 180},
    "veo3_lite": {"720p": 30, "1080p": 35, "4k": 150},
}
_EXTENSION_CREDITS = {"quality": 250, "fast": 60, "lite": 30}
# Kie does not document the length of an extension. Veo extends by 7 s.
_EXTENSION_SECONDS = 7
_EXTENDED = "720p"
_RUNNING, _DONE, _FAILED, _FAILED_UPSTREAM = 0, 1, 2, 3
_FAILURE_CODES = frozenset({400, 422, 500, 501})
_UPSTREAM = 501

router = APIRouter()


class VeoInput(KieInput):
    """The body of a create."""

    prompt: str = Field(min_length=1)
    model: Literal["veo3", "veo3_fast", "veo3_lite"] = _DEFAULT
    generation_type: Literal["TEXT_2_VIDEO", "FIRST_AND_LAST_FRAMES_2_VIDEO", "REFERENCE_2_VIDEO"] | None = Field(
        default=None, alias="generationType", description="default: decided by the number of pictures"
    )
    image_urls: list[HttpUrlText] = Field(default=[], max_length=3, alias="imageUrls")
    aspect_ratio: Literal["16:9", "9:16", "Auto"] | None = Field(default=None, description="of the reference")
    older_aspect_ratio: Literal["16:9", "9:16", "Auto"] | None = Field(
        default=None, alias="aspectRatio", description="of older pages; counts without the other"
    )
    resolution: Literal["720p", "1080p", "4k"] = "720p"
    duration: Literal[4, 6, 8] = 8
    seeds: int | None = Field(default=None, ge=10_000, le=99_999, description="of older pages")
    watermark: str | None = None
    enable_translation: bool = Field(default=True, alias="enableTranslation")
    enable_fallback: bool = Field(default=False, alias="enableFallback", description="deprecated")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        pictures = len(self.image_urls)
        match self.generation_type:
            case "TEXT_2_VIDEO" if pictures:
                raise ValueError("TEXT_2_VIDEO takes no imageUrls")
            case "REFERENCE_2_VIDEO":
                self._check_references(pictures)
            case "FIRST_AND_LAST_FRAMES_2_VIDEO" if not pictures:
                raise ValueError("FIRST_AND_LAST_FRAMES_2_VIDEO needs imageUrls")
            case _ if pictures > _MOST_FRAMES:
                raise ValueError(f"imageUrls should be {_MOST_FRAMES} at most, but for REFERENCE_2_VIDEO")
            case _:
                pass
        return self

    def _check_references(self, pictures: int) -> None:
        if self.model == "veo3":
            raise ValueError("REFERENCE_2_VIDEO supports veo3_fast and veo3_lite only")
        if not pictures:
            raise ValueError("REFERENCE_2_VIDEO needs imageUrls")
        if self.duration != _REFERENCE_SECONDS:
            raise ValueError(f"REFERENCE_2_VIDEO supports {_REFERENCE_SECONDS} s only")

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)

    def credits(self) -> float:
        return _CREDITS[self.model][self.resolution]

    def spec(self, source: SourceImage | None) -> MediaSpec:
        asked = self.aspect_ratio or self.older_aspect_ratio or "16:9"
        automatic = asked == "Auto" and source is not None
        ratio = {"Auto": "16:9"}.get(asked, asked)
        width, height = size_of(_SIZES, "auto" if automatic else ratio, source)
        scale = _SCALES[self.resolution]
        return MediaSpec(
            format="mp4",
            width=round(width * scale),
            height=round(height * scale),
            duration_seconds=self.duration,
            frame_rate=24,
            sound=True,
        )


class VeoExtensionInput(KieInput):
    """The body of a create that extends an earlier task. Source: https://docs.kie.ai/veo3-api/extend-video."""

    task_id: str = Field(min_length=1, alias="taskId")
    prompt: str = Field(min_length=1)
    model: Literal["fast", "quality", "lite"] = "fast"
    seeds: int | None = Field(default=None, ge=10_000, le=99_999)
    watermark: str | None = None
    _original: MediaSpec = PrivateAttr(MediaSpec(format="mp4", width=1280, height=720, frame_rate=24, sound=True))

    def of(self, original: MediaSpec) -> Self:
        """The same input, with the file that the earlier task delivered."""
        self._original = original
        return self

    def credits(self) -> float:
        return _EXTENSION_CREDITS[self.model]

    def spec(self, source: SourceImage | None) -> MediaSpec:  # noqa: ARG002 -- takes none
        return replace(self._original, duration_seconds=_EXTENSION_SECONDS)


class VeoCallbacks(KieCallbacks):
    """A record with a flag for the state, and callbacks with the result under `info`."""

    def record(self, task: Task) -> JsonObject:
        hidden = task.scenario.state_word is not None
        failed = task.ended is State.FAIL and not hidden
        return {
            "taskId": task.id,
            "paramJson": json.dumps(task.request),
            "completeTime": None if hidden else stamp(task.completed_at),
            "response": None if hidden or task.ended is not State.SUCCESS else self._response(task),
            "successFlag": task.scenario.state_word or _flag(task),
            "errorCode": code_of(task) if failed else None,
            "errorMessage": task.fail_msg if failed else "",
            "createTime": stamp(task.created_at),
            "fallbackFlag": False,
        }

    def _response(self, task: Task) -> JsonObject:
        links = self._links(task)
        return {"taskId": task.id, "resultUrls": [*links], "originUrls": None, "resolution": _resolution(task)}

    def _success(self, task: Task, links: Sequence[str]) -> JsonObject:
        # The callback's page shows a list; its schema has a string like this one.
        info: JsonObject = {"resultUrls": f"[{', '.join(links)}]", "originUrls": None, "resolution": _resolution(task)}
        data: JsonObject = {
            "taskId": task.id,
            "promptJson": json.dumps(task.request),
            "info": info,
            "fallbackFlag": False,
        }
        return {"code": 200, "msg": "Veo3.1 video generated successfully.", "data": data}

    def _failure(self, task: Task) -> JsonObject:
        code = code_of(task)
        data: JsonObject = {"taskId": task.id, "fallbackFlag": False}
        return {"code": code if code in _FAILURE_CODES else _UPSTREAM, "msg": task.fail_msg, "data": data}


@router.post("/api/v1/veo/generate")
async def generate(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Start a video: `{"prompt": …, "model": …}` gives `{"data": {"taskId": …}}`."""
    sandbox.account(KieAccount).authorize(authorization)
    body = await read_object(request)
    fields = {name: value for name, value in body.items() if name != "callBackUrl"}
    return await create(
        sandbox,
        Create(
            body=body,
            model=text_of(body, "model") or _DEFAULT,
            prompt=text_of(body, "prompt"),
            call_back_url=call_back_url_of(body),
            read=partial(read_as, VeoInput, fields),
            writer=VeoCallbacks,
        ),
    )


@router.post("/api/v1/veo/extend")
async def extend(request: Request, sandbox: CurrentSandbox, authorization: Authorization = None) -> Response:
    """Extend a video: `{"taskId": …, "prompt": …, "model": "fast"}` gives `{"data": {"taskId": …}}`."""
    sandbox.account(KieAccount).authorize(authorization)
    body = await read_object(request)
    fields = {name: value for name, value in body.items() if name != "callBackUrl"}
    return await create(
        sandbox,
        Create(
            body=body,
            model=text_of(body, "model") or "fast",
            prompt=text_of(body, "prompt"),
            call_back_url=call_back_url_of(body),
            read=partial(_read_extension, sandbox, fields),
            writer=VeoCallbacks,
        ),
    )


@router.get("/api/v1/veo/record-info")
async def record_info(
    sandbox: CurrentSandbox,
    task_id: Annotated[str, Query(alias="taskId")] = "",
    authorization: Authorization = None,
) -> Response:
    """The state of a video and, at its end, its URL."""
    sandbox.account(KieAccount).authorize(authorization)
    return await answer_record(sandbox, task_id, VeoCallbacks)


def _read_extension(sandbox: Sandbox, fields: JsonObject) -> VeoExtensionInput:
    """The validated input. Raises `KieError`: 404 for an unknown task, 422 for a task that cannot be extended."""
    wanted = read_as(VeoExtensionInput, fields)
    original = sandbox.engine.task(wanted.task_id)
    if original is None or not isinstance(original.writer, VeoCallbacks):
        raise KieError(404, "The original video or task does not exist")
    if original.ended is not State.SUCCESS:
        raise KieError(422, "The original video is not generated yet")
    if "taskId" in original.request:
        raise KieError(422, "taskId should be that of a video generation")
    if _resolution(original) != _EXTENDED:
        raise KieError(422, "Videos generated after 1080P generation cannot be extended")
    return wanted.of(original.spec)


def _flag(task: Task) -> int:
    match task.ended:
        case None:
            return _RUNNING
        case State.SUCCESS:
            return _DONE
        case _:
            return _FAILED_UPSTREAM if code_of(task) == _UPSTREAM else _FAILED


def _resolution(task: Task) -> str:
    return text_of(task.request, "resolution") or "720p"
