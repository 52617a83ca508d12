"""Kling's wire as data and pure functions: paths, codes, payloads, states. Source: https://kling.ai/document-api.

Kling speaks two dialects on one host. This is the new one: the model in the path, durations as numbers, `succeeded`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from providers.base import RemoteState, RemoteStatus
from providers.redaction import quotable
from schemas.enums import ErrorCode
from schemas.errors import (
    ProviderAuthFailed,
    ProviderBadResponse,
    ProviderError,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.orders import Inputs

# A model's name here is its path. The picture of the second one decides the shape, so it takes no aspect ratio.
TEXT_TO_VIDEO: Final = "text-to-video/kling-3.0"
IMAGE_TO_VIDEO: Final = "image-to-video/kling-3.0"

OK: Final = 0
INVALID_PARAMETER: Final = 1201


@dataclass(frozen=True)
class Verdict:
    """What one of Kling's codes means, where no task came into being."""

    family: type[ProviderError]
    text: str
    code: ErrorCode | None = None


# The documented codes ("Error codes" of the documentation). Five meanings share HTTP 429, so the code decides.
VERDICTS: Final[Mapping[int, Verdict]] = {
    1000: Verdict(ProviderAuthFailed, "refused our API key"),
    1001: Verdict(ProviderAuthFailed, "refused our API key"),
    1002: Verdict(ProviderAuthFailed, "refused our API key"),
    1003: Verdict(ProviderAuthFailed, "refused our API key"),
    1004: Verdict(ProviderAuthFailed, "refused our API key"),
    1100: Verdict(ProviderAuthFailed, "reports a problem with our account"),
    1101: Verdict(ProviderQuotaExceeded, "says that our account is in arrears"),
    1102: Verdict(ProviderQuotaExceeded, "says that our resource pack is used up"),
    1103: Verdict(ProviderAuthFailed, "gives our account no access to this"),
    1200: Verdict(ProviderRejected, "found the request invalid"),
    INVALID_PARAMETER: Verdict(ProviderRejected, "found the request invalid"),
    1202: Verdict(ProviderRejected, "does not know what was asked for"),
    1203: Verdict(ProviderRejected, "does not know what was asked for"),
    1300: Verdict(ProviderRejected, "refused it by its policy", ErrorCode.CONTENT_REJECTED),
    1301: Verdict(ProviderRejected, "refused it by its content policy", ErrorCode.CONTENT_REJECTED),
    1302: Verdict(ProviderRateLimited, "says that we call too often"),
    1303: Verdict(ProviderRateLimited, "works on as much as our resource pack allows"),
    1304: Verdict(ProviderAuthFailed, "does not take calls from our address"),
    5001: Verdict(ProviderUnavailable, "is down for maintenance"),
}
# "Server error" and "timeout": the task of a create may exist all the same.
UNDECIDED: Final = frozenset({5000, 5002})

# How Kling words it is not documented: the field's name, in one of its spellings, is all that can be expected.
_EXTERNAL_ID = re.compile(r"external[\s_-]*(task[\s_-]*)?id", re.IGNORECASE)

# An id that fits a URL, a log and a database column. A comma would separate two of them in a query.
TaskId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x2b\x2d-\x7e]{1,200}$")]
ResultUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00]+$")]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Answer(_Payload):
    """The envelope of every reply, and of some callbacks."""

    code: int
    message: str | None = None
    data: JsonValue = None

    @property
    def task_id(self) -> str | None:
        """The id of the task in `data`, if there is a usable one."""
        try:
            return _Named.model_validate(self.data).id
        except ValidationError:
            return None


class _Named(_Payload):
    id: TaskId


class _Output(_Payload):
    type: str
    url: ResultUrl


class _Charge(_Payload):
    charge_type: str
    amount: Decimal


_CHARGES: Final = TypeAdapter(list[_Charge])


class Record(_Payload):
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


class Callback(_Payload):
    """A callback: the task itself, in either dialect; some of the documentation's samples wrap it into an envelope."""

    task_id: TaskId = Field(
        validation_alias=AliasChoices("id", "task_id", AliasPath("data", "id"), AliasPath("data", "task_id"))
    )


def names_the_external_id(text: str, external_id: str) -> bool:
    """Whether the text of an invalid request is about the external id: it exists already, and so does its task."""
    return external_id in text or _EXTERNAL_ID.search(text) is not None


def to_body(model: str, inputs: Inputs, *, external_id: str, callback_url: str | None) -> dict[str, object]:
    """The body of a create: what was ordered, in the words of this model.

    Raises:
        ProviderRejected: an old order for a model that this version does not speak.
    """
    settings: dict[str, object] = {
        "resolution": inputs.resolution,
        "duration": inputs.duration_seconds,
        "audio": None if inputs.audio is None else "native" if inputs.audio else "off",
    }
    if model == TEXT_TO_VIDEO:
        asked: dict[str, object] = {"prompt": inputs.prompt}
        settings["aspect_ratio"] = inputs.aspect_ratio
    elif model == IMAGE_TO_VIDEO:
        prompt = {"type": "prompt", "text": inputs.prompt}
        asked = {"contents": [prompt, *({"type": "first_frame", "url": url} for url in inputs.image_urls)]}
    else:
        raise ProviderRejected(f"kling's model {model} is not served any more")
    options = {"callback_url": callback_url, "external_task_id": external_id}
    return {**asked, "settings": _given(settings), "options": _given(options)}


def _given(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


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
