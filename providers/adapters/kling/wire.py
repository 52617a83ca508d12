"""The wire of Kling's new dialect as data and pure functions: paths, payloads, states.

The model is in the path, durations are numbers, and a task that worked has `succeeded`. Source: the page of each model in
https://kling.ai/document-api, and "Capability Map" there.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from pydantic import JsonValue, TypeAdapter, ValidationError

from providers.adapters.kling.dialect import Payload, ResultUrl, TaskId, given
from providers.base import RemoteState, RemoteStatus
from providers.redaction import quotable
from schemas.enums import ErrorCode
from schemas.errors import ProviderBadResponse, ProviderRejected
from schemas.orders import Inputs

# A model's name here is its path: what is made of what, and by which version. Pictures decide the shape of a video.
TEXT_TO_VIDEO: Final = "text-to-video"
IMAGE_TO_VIDEO: Final = "image-to-video"
OMNI_VIDEO: Final = "omni-video"
MODELS: Final[Mapping[str, frozenset[str]]] = {
    TEXT_TO_VIDEO: frozenset({"kling-3.0", "kling-3.0-turbo", "kling-2.6", "kling-2.5-turbo"}),
    IMAGE_TO_VIDEO: frozenset({"kling-3.0", "kling-3.0-turbo", "kling-2.6", "kling-2.5-turbo"}),
    OMNI_VIDEO: frozenset({"kling-3.0-omni"}),
}
# The others have no `audio`.
_WITH_SOUND: Final = frozenset({"kling-3.0", "kling-3.0-omni", "kling-2.6"})
# Versions of which we want one resolution: 2.6 makes sound at 1080p only.
_RESOLUTIONS: Final[Mapping[str, str]] = {"kling-2.6": "1080p"}
_FRAMES: Final = ("first_frame", "last_frame")


class _Output(Payload):
    type: str
    url: ResultUrl


class _Charge(Payload):
    charge_type: str
    amount: Decimal


_CHARGES: Final = TypeAdapter(list[_Charge])


class Record(Payload):
    """A task, as a status read tells of it."""

    id: TaskId
    status: str
    message: str | None = None
    external_id: str | None = None
    outputs: list[_Output] | None = None
    billing: JsonValue = None

    @property
    def units(self) -> Decimal | None:
        """What it cost in Kling's units, where Kling says so. An odd bill is no reason to give up what was paid for."""
        try:
            charges = _CHARGES.validate_python(self.billing)
        except ValidationError:
            return None
        units = [charge.amount for charge in charges if charge.charge_type == "unit"]
        return sum(units, Decimal(0)) if units else None


RECORDS: Final = TypeAdapter(list[Record])
"""`data` of a status read. A task that Kling does not know is left out."""


def to_body(model: str, inputs: Inputs, *, external_id: str, callback_url: str | None) -> dict[str, object]:
    """The body of a create: what was ordered, in the words of this model.

    Raises:
        ProviderRejected: an old order for a model that this version does not speak.
    """
    kind, _, version = model.partition("/")
    if version not in MODELS.get(kind, ()):
        raise ProviderRejected(f"kling's model {model} is not served any more")
    asked: dict[str, object] = (
        {"prompt": inputs.prompt} if kind == TEXT_TO_VIDEO else {"contents": _contents(kind, inputs)}
    )
    settings = {
        "resolution": _RESOLUTIONS.get(version, inputs.resolution),
        "aspect_ratio": None if kind == IMAGE_TO_VIDEO else inputs.aspect_ratio,
        "duration": inputs.duration_seconds,
        "audio": _audio(inputs) if version in _WITH_SOUND else None,
    }
    options = {"callback_url": callback_url, "external_task_id": external_id}
    return {**asked, "settings": given(settings), "options": given(options)}


def _contents(kind: str, inputs: Inputs) -> list[dict[str, str]]:
    """The prompt and the pictures: the first frame and the last one, or what the prompt may call @image_1 and so on."""
    prompt = {"type": "prompt", "text": inputs.prompt}
    if kind == IMAGE_TO_VIDEO:
        return [prompt, *({"type": type_, "url": url} for type_, url in zip(_FRAMES, inputs.image_urls, strict=False))]
    pictures = enumerate(inputs.image_urls, start=1)
    return [prompt, *({"type": "refer_image", "url": url, "id": f"image_{number}"} for number, url in pictures)]


def _audio(inputs: Inputs) -> str | None:
    return None if inputs.audio is None else "native" if inputs.audio else "off"


def to_state(record: Record) -> RemoteState:
    """The state of a task.

    Raises:
        ProviderBadResponse: a word that Kling does not document.
    """
    match record.status:
        case "submitted":
            return RemoteState(RemoteStatus.QUEUED, provider_credits=record.units)
        case "processing":
            return RemoteState(RemoteStatus.RUNNING, provider_credits=record.units)
        case "succeeded":
            return _succeeded(record)
        case "failed":
            return _failed(record, f"kling could not generate it: {quotable(record.message or 'no reason given')}")
        case _:
            raise ProviderBadResponse("kling reported a state that it does not document")


def _succeeded(record: Record) -> RemoteState:
    urls = [output.url for output in record.outputs or [] if output.type == "video"]
    if not urls:
        return _failed(record, "kling reported success without a result")
    return RemoteState(RemoteStatus.SUCCEEDED, result_urls=urls, provider_credits=record.units)


def _failed(record: Record, message: str) -> RemoteState:
    return RemoteState(
        RemoteStatus.FAILED,
        error_code=ErrorCode.PROVIDER_FAILED,
        error_message=message,
        provider_credits=record.units,
    )
