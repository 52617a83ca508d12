"""Kie's wire as data and pure functions: field names, codes, payloads, states, signature. Source: https://docs.kie.ai."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from pydantic import (
    AliasChoices,
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

# Our inputs under Kie's names, model by model: `image_urls` of one model is `image_input` of another.
INPUT_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "google/nano-banana": {
        "prompt": "prompt",
        "aspect_ratio": "aspect_ratio",
        "output_format": "output_format",
    },
    "nano-banana-pro": {
        "prompt": "prompt",
        "image_urls": "image_input",
        "aspect_ratio": "aspect_ratio",
        "resolution": "resolution",
        "output_format": "output_format",
    },
    "kling-2.6/text-to-video": {
        "prompt": "prompt",
        "aspect_ratio": "aspect_ratio",
        "duration_seconds": "duration",
        "audio": "sound",
    },
    "kling-2.6/image-to-video": {
        "prompt": "prompt",
        "image_urls": "image_urls",
        "duration_seconds": "duration",
        "audio": "sound",
    },
}
# `google/nano-banana` says "jpeg", this one "jpg".
_JPG_MODELS = frozenset({"nano-banana-pro"})


@dataclass(frozen=True)
class Verdict:
    """What one of Kie's codes means, where no task came into being."""

    family: type[ProviderError]
    text: str
    code: ErrorCode | None = None


# The documented codes (https://docs.kie.ai/market/common/get-task-detail, and the page of each model). A create that
# is answered with one of them and without a task id was not accepted: that is why 408, 500 and 505 may be sent again.
VERDICTS: Final[Mapping[int, Verdict]] = {
    400: Verdict(ProviderRejected, "could not read the request"),
    401: Verdict(ProviderAuthFailed, "refused our API key"),
    402: Verdict(ProviderQuotaExceeded, "says that our account has too few credits"),
    404: Verdict(ProviderRejected, "does not know what was asked for"),
    408: Verdict(ProviderUnavailable, "waited too long for the model"),
    422: Verdict(ProviderRejected, "found the request invalid"),
    429: Verdict(ProviderRateLimited, "says that we call too often"),
    433: Verdict(ProviderQuotaExceeded, "says that our key has used up its quota"),
    451: Verdict(ProviderRejected, "could not fetch an input image", ErrorCode.INPUT_UNREADABLE),
    455: Verdict(ProviderUnavailable, "is down for maintenance"),
    500: Verdict(ProviderUnavailable, "had an internal error"),
    501: Verdict(ProviderRejected, "could not generate it", ErrorCode.PROVIDER_FAILED),
    505: Verdict(ProviderUnavailable, "has switched this feature off"),
}

# `failCode` of a failed task. Kie documents none for content policy, and guessing it from the text would be wrong as
# soon as the text quotes a prompt.
_FAIL_CODES: Final[Mapping[str, ErrorCode]] = {
    "400": ErrorCode.PROVIDER_REJECTED,
    "422": ErrorCode.PROVIDER_REJECTED,
    "451": ErrorCode.INPUT_UNREADABLE,
}

# An id that fits a URL, a log and a database column.
TaskId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]
ResultUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00]+$")]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Answer(_Payload):
    """The envelope of every reply and callback. Kie calls its text `msg`, and sometimes `message`."""

    code: int
    text: str | None = Field(default=None, validation_alias=AliasChoices("msg", "message"))
    data: JsonValue = None

    @property
    def task_id(self) -> str | None:
        """The id of the task in `data`, if there is a usable one."""
        try:
            return _Named.model_validate(self.data).task_id
        except ValidationError:
            return None


class _Named(_Payload):
    task_id: TaskId = Field(validation_alias=AliasChoices("taskId", "task_id"))


class Record(_Payload):
    """`data` of a status read. `resultJson` is a JSON string, empty until the task has succeeded."""

    state: str
    result_json: str | None = Field(default=None, alias="resultJson")
    fail_code: str | int | None = Field(default=None, alias="failCode")
    fail_msg: str | None = Field(default=None, alias="failMsg")
    credits: Decimal | None = Field(default=None, alias="creditsConsumed")


BALANCE: Final = TypeAdapter(Decimal)
"""`data` of `GET /api/v1/chat/credit`."""


class _Results(_Payload):
    urls: list[ResultUrl] | None = Field(default=None, alias="resultUrls")


def signature(webhook_key: str, task_id: str, timestamp: str) -> str:
    """The X-Webhook-Signature of a callback."""
    digest = hmac.digest(webhook_key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()


def to_input(model: str, inputs: Inputs) -> dict[str, object]:
    """The `input` of a create: what was ordered, in the words of this model.

    Raises:
        ProviderRejected: an old order for a model that this version does not speak.
    """
    fields = INPUT_FIELDS.get(model)
    if fields is None:
        raise ProviderRejected(f"kie's model {model} is not served any more")
    given = {field: value for field, value in inputs.model_dump().items() if value not in (None, [])}
    return {theirs: _to_value(model, ours, given[ours]) for ours, theirs in fields.items() if ours in given}


def _to_value(model: str, field: str, value: object) -> object:
    if field == "duration_seconds":
        return str(value)
    if field == "output_format" and value == "jpeg" and model in _JPG_MODELS:
        return "jpg"
    return value


def to_state(record: Record, text: str | None) -> RemoteState:
    """The state of a task; `text` is the envelope's.

    Raises:
        ProviderBadResponse: a word or a result that Kie does not document.
    """
    match record.state:
        case "waiting" | "queuing":
            return RemoteState(RemoteStatus.QUEUED, provider_credits=record.credits)
        case "generating":
            return RemoteState(RemoteStatus.RUNNING, provider_credits=record.credits)
        case "success":
            return _succeeded(record)
        case "fail":
            return _failed(record, text)
        case _:
            raise ProviderBadResponse("kie reported a state that it does not document")


def _succeeded(record: Record) -> RemoteState:
    try:
        urls = _Results.model_validate_json(record.result_json or "{}").urls
    except ValidationError:
        raise ProviderBadResponse("kie reported success with a result of another form") from None
    if not urls:
        return RemoteState(
            RemoteStatus.FAILED,
            error_code=ErrorCode.PROVIDER_FAILED,
            error_message="kie reported success without a result",
            provider_credits=record.credits,
        )
    return RemoteState(RemoteStatus.SUCCEEDED, result_urls=urls, provider_credits=record.credits)


def _failed(record: Record, text: str | None) -> RemoteState:
    code = "missing" if record.fail_code is None else str(record.fail_code)
    reason = quotable(record.fail_msg or text or "no reason given")
    return RemoteState(
        RemoteStatus.FAILED,
        error_code=_FAIL_CODES.get(code, ErrorCode.PROVIDER_FAILED),
        error_message=f"kie could not generate it (code {quotable(code)}): {reason}",
        provider_credits=record.credits,
    )
