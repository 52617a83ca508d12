"""Kie Market: one wire for the models of many vendors. Source: https://docs.kie.ai/market, the page of each model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from pydantic import Field, JsonValue
from pydantic_core import from_json

from providers.adapters.kie.wire import Answer, Wire, failed, finished, not_served
from providers.adapters.links import file_links
from providers.adapters.payload import Lenient, Report
from providers.adapters.words import no_news, read_status
from providers.base import ProviderRequest, RemoteState, RemoteStatus
from schemas.orders import Inputs


@dataclass(frozen=True)
class _Input:
    """The field names and values of a model."""

    fields: Mapping[str, str]
    """The model's field names, by our name of the input: `image_urls` is `image_input` for some models."""
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The model's names of our values, where they differ, by our name of the input."""
    always: Mapping[str, object] = field(default_factory=dict)
    """Fields with fixed values."""
    model: str | None = None
    """Kie's name of the model. None: the name in the route. Several of our models can be one model of Kie."""


_SAME: Final = {"prompt": "prompt", "aspect_ratio": "aspect_ratio"}
_PRO: Final = {**_SAME, "image_urls": "image_input", "resolution": "resolution", "output_format": "output_format"}
_CLIP: Final = {"prompt": "prompt", "duration_seconds": "duration", "audio": "sound"}
# For these models JPEG is "jpg"; for `google/nano-banana` it is "jpeg", as in our inputs.
_JPG: Final = {"output_format": {"jpeg": "jpg"}}
# The mode decides the resolution: std 1280x720, pro 1920x1080, 4K 3840x2160 (https://docs.kie.ai/market/kling/kling-3.0).
_MODES: Final = {"resolution": {"720p": "std", "1080p": "pro", "4k": "4K"}}

_KLING_3: Final = {**_CLIP, "image_urls": "image_urls", "resolution": "mode"}
_OMNI: Final = {
    **_SAME,
    "image_urls": "image_urls",
    "duration_seconds": "duration",
    "resolution": "resolution",
    "seed": "seed",
}

# By the model of a route.
INPUTS: Final[Mapping[str, _Input]] = {
    "google/nano-banana": _Input({**_SAME, "output_format": "output_format"}),
    "google/nano-banana-edit": _Input({**_SAME, "output_format": "output_format", "image_urls": "image_urls"}),
    "nano-banana-pro": _Input(_PRO, words=_JPG),
    "nano-banana-2": _Input(_PRO, words=_JPG),
    "nano-banana-2-lite": _Input({**_SAME, "image_urls": "image_urls"}),
    "kling-2.6/text-to-video": _Input({**_CLIP, "aspect_ratio": "aspect_ratio"}),
    "kling-2.6/image-to-video": _Input({**_CLIP, "image_urls": "image_urls"}),
    "kling-3.0/video": _Input(
        {**_KLING_3, "aspect_ratio": "aspect_ratio"}, words=_MODES, always={"multi_shots": False}
    ),
    "kling-3.0/video/first-frame": _Input(
        _KLING_3, words=_MODES, always={"multi_shots": False}, model="kling-3.0/video"
    ),
    "gemini-omni-video": _Input(_OMNI),
    "gemini-omni-video/edit": _Input({**_OMNI, "video_urls": "video_list"}, model="gemini-omni-video"),
}


STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "waiting": RemoteStatus.QUEUED,
    "queuing": RemoteStatus.QUEUED,
    "generating": RemoteStatus.RUNNING,
    "success": RemoteStatus.SUCCEEDED,
    "fail": RemoteStatus.FAILED,
}


class Record(Report):
    """`data` of a status read. `resultJson` is a JSON string, empty until the task has succeeded."""

    members = frozenset({"taskId", "task_id", "state"})

    state: JsonValue = None
    result_json: JsonValue = Field(default=None, alias="resultJson")
    fail_code: Lenient[str] = Field(default=None, alias="failCode")
    fail_msg: JsonValue = Field(default=None, alias="failMsg")
    credits: Lenient[Decimal] = Field(default=None, alias="creditsConsumed")


def to_body(request: ProviderRequest) -> dict[str, object]:
    """The body of a create, with the model's field names.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order.
    """
    known, inputs = INPUTS.get(request.model), request.inputs
    if known is None:
        raise not_served(request.model)
    given = {name: value for name, value in inputs.model_dump().items() if value not in (None, [])}
    said = {theirs: _said(known, ours, given[ours], inputs) for ours, theirs in known.fields.items() if ours in given}
    return {"model": known.model or request.model, "input": {**said, **known.always}}


def _said(known: _Input, name: str, value: object, inputs: Inputs) -> object:
    match name:
        case "duration_seconds":
            return str(value)
        case "video_urls":
            # Use the ordered seconds of the video. Kie takes at most 10 s of a video.
            return [{"url": url, "start": 0, "ends": inputs.duration_seconds} for url in inputs.video_urls]
        case _:
            return known.words.get(name, {}).get(str(value), value)


def to_state(answer: Answer, prompt: str = "") -> RemoteState:
    """The state of a task."""
    record = Record.model_validate(answer.data)
    match read_status(record.state, STATUSES):
        case RemoteStatus.SUCCEEDED:
            return finished(_result(record), credits_=record.credits)
        case RemoteStatus.FAILED:
            reason = record.fail_msg or answer.text
            return failed(record.fail_code, reason, prompt=prompt, credits_=record.credits)
        case RemoteStatus.UNKNOWN:
            return no_news(record.state)
        case status:
            return RemoteState(status, provider_credits=record.credits)


def _result(record: Record) -> JsonValue:
    """The part of the record that holds the links: `resultUrls`, and if this has none, the whole result."""
    result = record.result_json
    if isinstance(result, str):
        try:
            result = from_json(result)
        except ValueError:
            return result
    urls = result.get("resultUrls") if isinstance(result, dict) else None
    return urls if file_links(urls) else result


MARKET: Final = Wire(
    create_path="/api/v1/jobs/createTask",
    status_path="/api/v1/jobs/recordInfo",
    failure_codes=frozenset({501}),
    to_body=to_body,
    to_state=to_state,
)
