"""Kling's legacy dialect as data and pure functions: paths, payloads, states.

The model is in the body, durations are text, and the status of success is `succeed`. Source: the legacy pages of
https://kling.ai/document-api. Video extension is not supported: those pages offer it only for videos of the models 1.0
to 1.6, which Kling no longer serves.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from pydantic import Field, JsonValue

from providers.adapters.kling.dialect import TaskId, given
from providers.adapters.payload import Lenient, Payload, Report, texts
from providers.adapters.results import failed, finished
from providers.adapters.words import no_news, read_status
from providers.base import RemoteState, RemoteStatus
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

# A model's name here is the end of its path, and its `model_name`. The input image decides a video's aspect ratio.
TEXT_TO_VIDEO: Final = "text2video"
IMAGE_TO_VIDEO: Final = "image2video"
KINDS: Final = (TEXT_TO_VIDEO, IMAGE_TO_VIDEO)
_WITH_SOUND: Final = frozenset({"kling-v3", "kling-v2-6"})
MODEL_NAMES: Final = _WITH_SOUND | {"kling-v2-5-turbo"}
# All legacy models take a negative prompt, but the new dialect does not. Orders of the other models can use either
# dialect, so they have no negative prompt.
_WITH_NEGATIVE_PROMPT: Final = frozenset({"kling-v2-6"})

# "std" makes 720p, "pro" makes 1080p. Only v3 has "4k".
_MODES: Final[Mapping[str, str]] = {"720p": "std", "1080p": "pro", "4k": "4k"}
_PICTURES: Final = ("image", "image_tail")

STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "submitted": RemoteStatus.QUEUED,
    "processing": RemoteStatus.RUNNING,
    "succeed": RemoteStatus.SUCCEEDED,
    "failed": RemoteStatus.FAILED,
}


class _Result(Payload):
    videos: JsonValue = None


class _Info(Payload):
    external_task_id: Lenient[str] = None


class Record(Report):
    """A task, in the answer to a status read."""

    members = frozenset({"task_id", "task_status"})

    task_id: Lenient[TaskId] = None
    task_status: JsonValue = None
    task_status_msg: JsonValue = None
    task_info: Lenient[_Info] = None
    task_result: Lenient[_Result] = None
    units: Lenient[Decimal] = Field(default=None, alias="final_unit_deduction")
    """The charge in Kling's units; None if missing or unreadable, because the result is paid for in any case."""

    @property
    def external_id(self) -> str | None:
        """Our id of the task; None if Kling does not return it."""
        return (self.task_info.external_task_id or None) if self.task_info else None


def to_path(model: str) -> str:
    """The path of a model's creates. The paths of its tasks are below it."""
    return f"/v1/videos/{model.partition('/')[0]}"


def to_body(model: str, inputs: Inputs, *, external_id: str, callback_url: str | None) -> dict[str, object]:
    """The body of a create, with the model's field names.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order.
    """
    kind, _, name = model.partition("/")
    if kind not in KINDS or name not in MODEL_NAMES:
        raise ProviderRejected(f"kling_legacy's model {model} is not served any more")
    body: dict[str, object | None] = {
        "model_name": name,
        "prompt": inputs.prompt,
        "negative_prompt": inputs.negative_prompt if name in _WITH_NEGATIVE_PROMPT else None,
        "mode": _MODES.get(inputs.resolution or ""),
        "duration": None if inputs.duration_seconds is None else str(inputs.duration_seconds),
        "sound": _sound(inputs) if name in _WITH_SOUND else None,
        "callback_url": callback_url,
        "external_task_id": external_id,
    }
    if kind == TEXT_TO_VIDEO:
        body["aspect_ratio"] = inputs.aspect_ratio
    else:
        body |= dict(zip(_PICTURES, inputs.image_urls, strict=False))
    return given(body)


def _sound(inputs: Inputs) -> str | None:
    return None if inputs.audio is None else "on" if inputs.audio else "off"


def to_state(record: Record) -> RemoteState:
    """The state of a task."""
    match read_status(record.task_status, STATUSES):
        case RemoteStatus.SUCCEEDED:
            videos = record.task_result.videos if record.task_result else None
            return finished("kling_legacy", videos, credits_=record.units)
        case RemoteStatus.FAILED:
            reason = "; ".join(texts(record.task_status_msg)) or "no reason given"
            return failed(f"kling_legacy could not generate it: {reason}", credits_=record.units)
        case RemoteStatus.UNKNOWN:
            return no_news(record.task_status)
        case status:
            return RemoteState(status, provider_credits=record.units)
