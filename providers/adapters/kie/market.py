"""Kie Market: one wire for the models of many vendors. Source: https://docs.kie.ai/market, the page of each model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from pydantic import Field, ValidationError

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
from schemas.errors import ProviderBadResponse
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


class Record(Payload):
    """`data` of a status read. `resultJson` is a JSON string, empty until the task has succeeded."""

    state: str
    result_json: str | None = Field(default=None, alias="resultJson")
    fail_code: str | int | None = Field(default=None, alias="failCode")
    fail_msg: str | None = Field(default=None, alias="failMsg")
    credits: Decimal | None = Field(default=None, alias="creditsConsumed")


class _Results(Payload):
    urls: list[ResultUrl] | None = Field(default=None, alias="resultUrls")


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


def to_state(answer: Answer) -> RemoteState:
    """The state of a task.

    Raises:
        ProviderBadResponse: Kie does not document the status or the result.
        ValidationError: the record has an undocumented form.
    """
    record = Record.model_validate(answer.data)
    match record.state:
        case "waiting" | "queuing":
            return RemoteState(RemoteStatus.QUEUED, provider_credits=record.credits)
        case "generating":
            return RemoteState(RemoteStatus.RUNNING, provider_credits=record.credits)
        case "success":
            return succeeded(_urls(record), credits_=record.credits)
        case "fail":
            return failed(record.fail_code, record.fail_msg or answer.text, credits_=record.credits)
        case _:
            raise undocumented_state()


def _urls(record: Record) -> list[ResultUrl] | None:
    try:
        return _Results.model_validate_json(record.result_json or "{}").urls
    except ValidationError:
        raise ProviderBadResponse("kie reported success with a result of another form") from None


MARKET: Final = Wire(
    create_path="/api/v1/jobs/createTask",
    status_path="/api/v1/jobs/recordInfo",
    failure_codes=frozenset({501}),
    to_body=to_body,
    to_state=to_state,
)
