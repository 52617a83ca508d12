"""Kie's wire for Google's Veo 3.1. Source: https://docs.kie.ai/veo3-api."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, JsonValue
from pydantic_core import from_json

from providers.adapters.kie.wire import (
    Answer,
    Payload,
    ResultUrl,
    Wire,
    failed,
    not_served,
    succeeded,
    undocumented_state,
)
from providers.base import ProviderRequest, RemoteState, RemoteStatus
from schemas.errors import ProviderRejected


@dataclass(frozen=True)
class _Mode:
    """A model of Kie, and its use of input images."""

    model: str
    """Kie's name of the model."""
    of_pictures: str
    """The `generationType` of a create with images."""


_FRAMES: Final = "FIRST_AND_LAST_FRAMES_2_VIDEO"
_REFERENCES: Final = "REFERENCE_2_VIDEO"

# By the model of a route.
MODES: Final[Mapping[str, _Mode]] = {
    "veo/veo3": _Mode("veo3", _FRAMES),
    "veo/veo3_fast": _Mode("veo3_fast", _FRAMES),
    "veo/veo3_fast/reference": _Mode("veo3_fast", _REFERENCES),
    "veo/veo3_lite": _Mode("veo3_lite", _FRAMES),
    "veo/veo3_lite/reference": _Mode("veo3_lite", _REFERENCES),
}


# By the model of a route: https://docs.kie.ai/veo3-api/extend-video
EXTENSIONS: Final[Mapping[str, str]] = {
    "veo-extend/veo3": "quality",
    "veo-extend/veo3_fast": "fast",
    "veo-extend/veo3_lite": "lite",
}


def _listed(links: JsonValue) -> JsonValue:
    """Links as a list. Kie documents a list, and also a string with a list in it, with or without quotation marks."""
    if not isinstance(links, str):
        return links
    try:
        listed: JsonValue = from_json(links)
    except ValueError:
        bare = links.strip().removeprefix("[").removesuffix("]")
        # A link can contain commas.
        return [link.strip() for link in re.split(r",(?=\s*https?://)", bare) if link.strip()]
    return listed


class _Response(Payload):
    urls: Annotated[list[ResultUrl] | None, BeforeValidator(_listed)] = Field(default=None, alias="resultUrls")


class Record(Payload):
    """`data` of a status read. `response` is set after the task has succeeded."""

    flag: int | str = Field(alias="successFlag")
    response: _Response | None = None
    error_code: str | int | None = Field(default=None, alias="errorCode")
    error_message: str | None = Field(default=None, alias="errorMessage")


def to_body(request: ProviderRequest) -> dict[str, object]:
    """The body of a create.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order.
    """
    mode, inputs = MODES.get(request.model), request.inputs
    if mode is None:
        raise not_served(request.model)
    body: dict[str, object] = {
        "model": mode.model,
        "prompt": inputs.prompt,
        "aspectRatio": inputs.aspect_ratio,
        "resolution": inputs.resolution,
        "duration": inputs.duration_seconds,
    }
    if not inputs.image_urls:
        return {**body, "generationType": "TEXT_2_VIDEO"}
    return {**body, "generationType": mode.of_pictures, "imageUrls": inputs.image_urls}


def to_extension(request: ProviderRequest) -> dict[str, object]:
    """The body of a create that extends an earlier task of this account. Kie keeps the aspect ratio of that task.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order, or there is not exactly one task.
    """
    model = EXTENSIONS.get(request.model)
    if model is None:
        raise not_served(request.model)
    tasks = [source.remote_id for url in request.inputs.video_urls if (source := request.sources.get(url)) is not None]
    if len(tasks) != 1:
        raise ProviderRejected("kie goes on from one video of its own")
    return {"taskId": tasks[0], "prompt": request.inputs.prompt, "model": model}


def to_state(answer: Answer) -> RemoteState:
    """The state of a task. Kie has no flag for waiting tasks, and reports no charge here.

    Raises:
        ProviderBadResponse: Kie does not document the flag.
        ValidationError: the record has an undocumented form.
    """
    record = Record.model_validate(answer.data)
    match record.flag:
        case 0:
            return RemoteState(RemoteStatus.RUNNING)
        case 1:
            return succeeded(record.response.urls if record.response else None)
        case 2 | 3:
            return failed(record.error_code, record.error_message or answer.text)
        case _:
            raise undocumented_state()


VEO: Final = Wire(
    create_path="/api/v1/veo/generate",
    status_path="/api/v1/veo/record-info",
    failure_codes=frozenset({400, 422, 500, 501}),
    to_body=to_body,
    to_state=to_state,
)

VEO_EXTEND: Final = replace(VEO, create_path="/api/v1/veo/extend", to_body=to_extension)
