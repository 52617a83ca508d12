"""Kling's new dialect as data and pure functions: paths, payloads, states.

The model is in the path, durations are numbers, and the status of success is `succeeded`. Source: the page of each
model in https://kling.ai/document-api, and the capability map there.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from pydantic import JsonValue, TypeAdapter, ValidationError

from providers.adapters.kling.dialect import Payload, ResultUrl, TaskId, ended, failed, given
from providers.base import RemoteState, RemoteStatus
from providers.http.redaction import quotable
from schemas.errors import ProviderBadResponse, ProviderRejected
from schemas.orders import Inputs

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
_FRAMES: Final = ("first_frame", "last_frame")


class _Output(Payload):
    type: str
    url: ResultUrl


class _Charge(Payload):
    charge_type: str
    amount: Decimal


_CHARGES: Final = TypeAdapter(list[_Charge])


class Record(Payload):
    """A task, in the answer to a status read."""

    id: TaskId
    status: str
    message: str | None = None
    external_id: str | None = None
    outputs: list[_Output] | None = None
    billing: JsonValue = None

    @property
    def units(self) -> Decimal | None:
        """The charge in Kling's units; None if missing or unreadable, because the result is paid for in any case."""
        try:
            charges = _CHARGES.validate_python(self.billing)
        except ValidationError:
            return None
        units = [charge.amount for charge in charges if charge.charge_type == "unit"]
        return sum(units, Decimal(0)) if units else None


RECORDS: Final = TypeAdapter(list[Record])
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
        # `multi_shot` is on by default, and Kling does not allow it for a changed video.
        "multi_shot": False if model == VIDEO_TO_VIDEO else None,
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
    """The state of a task.

    Raises:
        ProviderBadResponse: Kling does not document the status.
    """
    match record.status:
        case "submitted":
            return RemoteState(RemoteStatus.QUEUED, provider_credits=record.units)
        case "processing":
            return RemoteState(RemoteStatus.RUNNING, provider_credits=record.units)
        case "succeeded":
            urls = [output.url for output in record.outputs or [] if output.type == "video"]
            return ended(urls, vendor="kling", units=record.units)
        case "failed":
            reason = quotable(record.message or "no reason given")
            return failed(f"kling could not generate it: {reason}", units=record.units)
        case _:
            raise ProviderBadResponse("kling reported a state that it does not document")
