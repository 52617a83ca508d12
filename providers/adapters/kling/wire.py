"""Kling's new dialect as data and pure functions: paths, payloads, states.

The model is in the path, durations are numbers, and the status of success is `succeeded`. Source: the page of each
model in https://kling.ai/document-api, and the capability map there.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, JsonValue, TypeAdapter

from providers.adapters.kling.dialect import TaskId, given
from providers.adapters.payload import Lenient, Payload, Report, texts
from providers.adapters.results import failed, finished
from providers.adapters.words import no_news, read_status
from providers.base import RemoteState, RemoteStatus
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

# A model's name here is its path: the kind of work and the version. Input images decide a video's aspect ratio.
TEXT_TO_VIDEO: Final = "text-to-video"
IMAGE_TO_VIDEO: Final = "image-to-video"
OMNI_VIDEO: Final = "omni-video"
# Omni makes new videos, and changes given videos. Both have the same path, so this suffix names the second use.
VIDEO_TO_VIDEO: Final = "omni-video/kling-3.0-omni#base_video"
MODELS: Final = frozenset(
    {
        *(
            f"{kind}/{version}"
            for kind in (TEXT_TO_VIDEO, IMAGE_TO_VIDEO)
            for version in ("kling-3.0", "kling-3.0-turbo", "kling-2.6", "kling-2.5-turbo")
        ),
        "omni-video/kling-3.0-omni",
        VIDEO_TO_VIDEO,
    }
)
# Versions with a fixed resolution: 2.6 makes sound at 1080p only.
_RESOLUTIONS: Final[Mapping[str, str]] = {"kling-2.6": "1080p"}
_SILENT: Final = frozenset({"kling-3.0-turbo", "kling-2.5-turbo"})
# Versions that make several shots of one prompt, unless told otherwise
# (https://kling.ai/document-api, the pages of 3.0 and 3.0 Omni).
_WITH_SHOTS: Final = frozenset({"kling-3.0", "kling-3.0-omni"})
_FRAMES: Final = ("first_frame", "last_frame")


STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "submitted": RemoteStatus.QUEUED,
    "processing": RemoteStatus.RUNNING,
    "succeeded": RemoteStatus.SUCCEEDED,
    "failed": RemoteStatus.FAILED,
}


class _Charge(Payload):
    charge_type: str
    amount: Decimal


class Record(Report):
    """A task, in the answer to a status read."""

    id: Lenient[TaskId] = None
    status: JsonValue = None
    message: JsonValue = None
    external_id: Lenient[str] = None
    outputs: JsonValue = None
    billing: Lenient[list[_Charge]] = None

    @property
    def units(self) -> Decimal | None:
        """The charge in Kling's units; None if missing or unreadable, because the result is paid for in any case."""
        units = [charge.amount for charge in self.billing or [] if charge.charge_type == "unit"]
        return sum(units, Decimal(0)) if units else None

    @property
    def videos(self) -> JsonValue:
        """The outputs without those that have another type."""
        if not isinstance(self.outputs, list):
            return self.outputs
        return [each for each in self.outputs if not isinstance(each, dict) or not _is_other(each.get("type"))]


def _is_other(kind: JsonValue) -> bool:
    return isinstance(kind, str) and kind != "video"


def _listed(data: object) -> object:
    return [data] if isinstance(data, dict) else data


RECORDS: Final = TypeAdapter(Annotated[list[Record], BeforeValidator(_listed)])
"""`data` of a status read. Kling omits unknown tasks."""


def to_path(model: str) -> str:
    """The path of a model's creates."""
    return f"/{model.partition('#')[0]}"


def to_body(model: str, inputs: Inputs, *, external_id: str, callback_url: str | None) -> dict[str, object]:
    """The body of a create, with the model's field names.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order.
    """
    if model not in MODELS:
        raise ProviderRejected(f"kling's model {model} is not served any more")
    kind, _, version = model.partition("/")
    asked: dict[str, object] = (
        {"prompt": inputs.prompt} if kind == TEXT_TO_VIDEO else {"contents": _contents(model, inputs)}
    )
    settings = {
        "resolution": _RESOLUTIONS.get(version, inputs.resolution),
        "aspect_ratio": None if kind == IMAGE_TO_VIDEO or model == VIDEO_TO_VIDEO else inputs.aspect_ratio,
        "duration": inputs.duration_seconds,
        "audio": None if version in _SILENT else _audio(model, inputs),
        # One shot, as all routes of these models order. `multi_shot` is on by default.
        "multi_shot": False if version.partition("#")[0] in _WITH_SHOTS else None,
    }
    options = {"callback_url": callback_url, "external_task_id": external_id}
    return {**asked, "settings": given(settings), "options": given(options)}


def _contents(model: str, inputs: Inputs) -> list[dict[str, str]]:
    """The prompt and the input files. Omni's prompts can refer to these as @video_1, @image_1, @image_2 and so on."""
    prompt = {"type": "prompt", "text": inputs.prompt}
    if model.startswith(IMAGE_TO_VIDEO):
        frames = zip(_FRAMES, inputs.image_urls, strict=False)
        return [prompt, *({"type": frame, "url": url} for frame, url in frames)]
    videos = enumerate(inputs.video_urls if model == VIDEO_TO_VIDEO else [], start=1)
    pictures = enumerate(inputs.image_urls, start=1)
    return [
        prompt,
        *({"type": "base_video", "url": url, "id": f"video_{number}"} for number, url in videos),
        *({"type": "refer_image", "url": url, "id": f"image_{number}"} for number, url in pictures),
    ]


def _audio(model: str, inputs: Inputs) -> str | None:
    if inputs.audio is None:
        return None
    on = "original" if model == VIDEO_TO_VIDEO else "native"
    return on if inputs.audio else "off"


def to_state(record: Record) -> RemoteState:
    """The state of a task."""
    match read_status(record.status, STATUSES):
        case RemoteStatus.SUCCEEDED:
            return finished("kling", record.videos, credits_=record.units)
        case RemoteStatus.FAILED:
            reason = "; ".join(texts(record.message)) or "no reason given"
            return failed(f"kling could not generate it: {reason}", credits_=record.units)
        case RemoteStatus.UNKNOWN:
            return no_news(record.status)
        case status:
            return RemoteState(status, provider_credits=record.units)
