"""The parts that all Kie wires share: envelope, codes, signature. Source: https://docs.kie.ai."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
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

from providers.base import ProviderRequest, RemoteState, RemoteStatus
from providers.http.redaction import quotable
from providers.http.verdicts import Verdict
from schemas.enums import ErrorCode
from schemas.errors import (
    ProviderAuthFailed,
    ProviderBadResponse,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)

# The documented codes (https://docs.kie.ai/market/common/get-task-detail, and the page of each model). If the answer to
# a create has one of these codes and no task id, Kie did not accept the create. So it can be sent again after 408, 500
# and 505.
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

# `failCode` of a failed task, or `errorCode` of a Veo task. Kie documents no code for its content policy. The text is
# no substitute, because it can quote the prompt.
_FAIL_CODES: Final[Mapping[str, ErrorCode]] = {
    "400": ErrorCode.PROVIDER_REJECTED,
    "422": ErrorCode.PROVIDER_REJECTED,
    "451": ErrorCode.INPUT_UNREADABLE,
}

# Such an id fits into a URL, a log and a database column.
TaskId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]
ResultUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00]+$")]


class Payload(BaseModel):
    """A part of an answer. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Answer(Payload):
    """The envelope of every reply and callback. Kie names the text `msg`, and sometimes `message`."""

    code: int
    text: str | None = Field(default=None, validation_alias=AliasChoices("msg", "message"))
    data: JsonValue = None

    @property
    def task_id(self) -> str | None:
        """The id of the task in `data`; None if missing or malformed."""
        try:
            return _Named.model_validate(self.data).task_id
        except ValidationError:
            return None


class _Named(Payload):
    task_id: TaskId = Field(validation_alias=AliasChoices("taskId", "task_id"))


BALANCE: Final = TypeAdapter(Decimal)
"""`data` of `GET /api/v1/chat/credit`."""


@dataclass(frozen=True)
class Wire:
    """One of Kie's wires."""

    create_path: str
    """The path of a create."""
    status_path: str
    """The path of a status read."""
    failure_codes: frozenset[int]
    """The codes, besides 200, of an answer with a task's record. Kie's callbacks report failures with these codes."""
    to_body: Callable[[ProviderRequest], dict[str, object]]
    """Makes the body of a create, without the callback's URL. Raises `ProviderRejected` for an unsupported model."""
    to_state: Callable[[Answer], RemoteState]
    """Reads a task's record.

    Raises `ProviderBadResponse` for an undocumented status or result, `ValidationError` for a record of another form.
    """


def signature(webhook_key: str, task_id: str, timestamp: str) -> str:
    """The X-Webhook-Signature of a callback."""
    digest = hmac.digest(webhook_key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()


def succeeded(urls: Sequence[str] | None, *, credits_: Decimal | None = None) -> RemoteState:
    """The state of a task that Kie calls successful. Without a result, the state is a failure."""
    if not urls:
        return RemoteState(
            RemoteStatus.FAILED,
            error_code=ErrorCode.PROVIDER_FAILED,
            error_message="kie reported success without a result",
            provider_credits=credits_,
        )
    return RemoteState(RemoteStatus.SUCCEEDED, result_urls=list(urls), provider_credits=credits_)


def failed(code: str | int | None, reason: str | None, *, credits_: Decimal | None = None) -> RemoteState:
    """The state of a task that Kie calls failed."""
    word = "missing" if code is None else str(code)
    return RemoteState(
        RemoteStatus.FAILED,
        error_code=_FAIL_CODES.get(word, ErrorCode.PROVIDER_FAILED),
        error_message=f"kie could not generate it (code {quotable(word)}): {quotable(reason or 'no reason given')}",
        provider_credits=credits_,
    )


def undocumented_state() -> ProviderBadResponse:
    """The error for a status that Kie does not document."""
    return ProviderBadResponse("kie reported a state that it does not document")


def not_served(model: str) -> ProviderRejected:
    """The error for an old order of a model that this version no longer supports."""
    return ProviderRejected(f"kie's model {model} is not served any more")
