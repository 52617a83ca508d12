"""The parts that all Kie wires share: envelope, codes, signature. Source: https://docs.kie.ai."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Protocol

from pydantic import AliasChoices, Field, JsonValue, StringConstraints, TypeAdapter

from providers.adapters import results
from providers.adapters.payload import Lenient, Payload, texts
from providers.base import ProviderRequest, RemoteState
from providers.http.redaction import unechoed
from providers.http.verdicts import Verdict
from schemas.enums import ErrorCode
from schemas.limits import Refusal
from schemas.provider_errors import (
    ProviderAuthFailed,
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
    # The caps of a key are for an hour, a day or in total: https://docs.kie.ai, "Creating and Securing Your API Key".
    433: Verdict(ProviderQuotaExceeded, "says that our key has used up its quota", refusal=Refusal.DAILY),
    451: Verdict(ProviderRejected, "could not fetch an input image", ErrorCode.INPUT_UNREADABLE),
    455: Verdict(ProviderUnavailable, "is down for maintenance"),
    500: Verdict(ProviderUnavailable, "had an internal error"),
    501: Verdict(ProviderRejected, "could not generate it", ErrorCode.PROVIDER_FAILED),
    505: Verdict(ProviderUnavailable, "has switched this feature off"),
}

POLICY_CODES: Final = frozenset({400, 422, 500, 501})
"""The codes that can come with a text about the content policy."""

# `failCode` of a failed task, or `errorCode` of a Veo task.
_FAIL_CODES: Final[Mapping[str, ErrorCode]] = {
    "400": ErrorCode.PROVIDER_REJECTED,
    "422": ErrorCode.PROVIDER_REJECTED,
    "451": ErrorCode.INPUT_UNREADABLE,
}

# Kie has no code for its content policy. Its texts name the policy: "Your prompt was flagged by Website as violating
# content policies" (https://docs.kie.ai/veo3-api/get-veo-3-video-details), with several codes.
_POLICY: Final = re.compile(r"content polic(y|ies)|\b(violat\w*|flagged)\b.{0,80}\b(polic(y|ies)|guidelines)\b")

# Such an id fits into a URL, a log and a database column.
TaskId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]


class Answer(Payload):
    """The envelope of every reply and callback. Kie names the text `msg`, and sometimes `message`."""

    code: int
    msg: JsonValue = Field(default=None, validation_alias=AliasChoices("msg", "message"))
    data: JsonValue = None

    @property
    def text(self) -> str:
        """The text."""
        return "; ".join(texts(self.msg))

    @property
    def task_id(self) -> str | None:
        """The id of the task in `data`; None if missing or malformed."""
        return _Named.model_validate(self.data).task_id if isinstance(self.data, dict) else None


class _Named(Payload):
    task_id: Lenient[TaskId] = Field(default=None, validation_alias=AliasChoices("taskId", "task_id"))


BALANCE: Final = TypeAdapter(Decimal)
"""`data` of `GET /api/v1/chat/credit`."""


class ToState(Protocol):
    """Reads a task's record."""

    def __call__(self, answer: Answer, prompt: str = "") -> RemoteState:
        """The state of a task. `prompt` is the order's prompt, which the record can repeat.

        Raises:
            ValidationError: the answer has no record.
        """


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
    to_state: ToState
    """Reads a task's record."""


def signature(webhook_key: str, task_id: str, timestamp: str) -> str:
    """The X-Webhook-Signature of a callback."""
    digest = hmac.digest(webhook_key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()


def finished(result: JsonValue, *, credits_: Decimal | None = None) -> RemoteState:
    """The state of a task that Kie calls successful. `result` holds the links."""
    return results.finished("kie", result, credits_=credits_)


def failed(code: str | None, reasons: JsonValue, *, prompt: str, credits_: Decimal | None = None) -> RemoteState:
    """The state of a task that Kie calls failed."""
    word, reason = code or "missing", "; ".join(texts(reasons))
    return results.failed(
        f"kie could not generate it (code {word}): {reason or 'no reason given'}",
        ErrorCode.CONTENT_REJECTED if is_policy(reason, prompt) else _FAIL_CODES.get(word, ErrorCode.PROVIDER_FAILED),
        credits_=credits_,
    )


def is_policy(text: str, prompt: str) -> bool:
    """Whether Kie's own words name its content policy. The text can repeat the prompt, which does not count."""
    return _POLICY.search(unechoed(text, prompt)) is not None


def not_served(model: str) -> ProviderRejected:
    """The error for an old order of a model that this version no longer supports."""
    return ProviderRejected(f"kie's model {model} is not served any more")
