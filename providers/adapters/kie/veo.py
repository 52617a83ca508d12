"""Kie's wire for Google's Veo 3.1. Source: https://docs.kie.ai/veo3-api."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, JsonValue
from pydantic_core import from_json

from providers.adapters.kie.wire import Answer, Wire, failed, finished, not_served
from providers.adapters.payload import Lenient, Payload, Report
from providers.adapters.words import no_news, read_status
from providers.base import ProviderRequest, RemoteState, RemoteStatus
from schemas.provider_errors import ProviderRejected


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


STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "0": RemoteStatus.RUNNING,
    "1": RemoteStatus.SUCCEEDED,
    "2": RemoteStatus.FAILED,
    "3": RemoteStatus.FAILED,
}
"""The values of `successFlag`."""


class _Response(Payload):
    urls: Annotated[JsonValue, BeforeValidator(_listed)] = Field(default=None, alias="resultUrls")


class Record(Report):
    """`data` of a status read. `response` is set after the task has succeeded."""

    members = frozenset({"taskId", "task_id", "successFlag"})

    flag: JsonValue = Field(default=None, alias="successFlag")
    response: Lenient[_Response] = None
    error_code: Lenient[str] = Field(default=None, alias="errorCode")
    error_message: JsonValue = Field(default=None, alias="errorMessage")


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
        # The reference names the first, older pages of Kie the second. It is not known whether Kie reads both.
        "aspect_ratio": inputs.aspect_ratio,
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


def to_state(answer: Answer, prompt: str = "") -> RemoteState:
    """The state of a task. Kie has no flag for waiting tasks, and reports no charge here."""
    record = Record.model_validate(answer.data)
    match read_status(record.flag, STATUSES):
        case RemoteStatus.SUCCEEDED:
            return finished(record.response.urls if record.response else None)
        case RemoteStatus.FAILED:
            return failed(record.error_code, record.error_message or answer.text, prompt=prompt)
        case RemoteStatus.UNKNOWN:
            return no_news(record.flag)
        case status:
            return RemoteState(status)


VEO: Final = Wire(
    create_path="/api/v1/veo/generate",
    status_path="/api/v1/veo/record-info",
    failure_codes=frozenset({400, 422, 500, 501}),
    to_body=to_body,
    to_state=to_state,
)

VEO_EXTEND: Final = replace(VEO, create_path="/api/v1/veo/extend", to_body=to_extension)
