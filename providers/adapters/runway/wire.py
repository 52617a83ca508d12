"""Runway's wire as data and pure functions: answers, states, failures, errors.

Source: https://docs.dev.runwayml.com/api and the types of Runway's own client, https://github.com/runwayml/sdk-python,
unless a line names another.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, TypeAdapter, ValidationError

from providers.base import RemoteState, RemoteStatus
from providers.http.redaction import quotable
from schemas.enums import ErrorCode
from schemas.errors import ProviderBadResponse

VERSION: Final = "2024-11-06"
"""The version of the API, for the header `X-Runway-Version`."""

STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "PENDING": RemoteStatus.QUEUED,
    "THROTTLED": RemoteStatus.QUEUED,
    "RUNNING": RemoteStatus.RUNNING,
    "SUCCEEDED": RemoteStatus.SUCCEEDED,
    "FAILED": RemoteStatus.FAILED,
    "CANCELLED": RemoteStatus.CANCELLED,
}
OPEN: Final = frozenset({RemoteStatus.QUEUED, RemoteStatus.RUNNING})

# https://docs.dev.runwayml.com/errors/task-failures: a code is a path that begins with the general part.
_FAILURES: Final[Mapping[str, tuple[ErrorCode, str]]] = {
    "SAFETY": (ErrorCode.CONTENT_REJECTED, "refused it by its content policy"),
    "INPUT_PREPROCESSING.SAFETY": (ErrorCode.CONTENT_REJECTED, "refused it by its content policy"),
    "ASSET.INVALID": (ErrorCode.INPUT_UNREADABLE, "could not use an input file"),
}
_OTHER_FAILURE: Final = (ErrorCode.PROVIDER_FAILED, "could not generate it")


# Errors have no codes. For these statuses, only the text shows that the account has no credits
# (https://github.com/runwayml/sdk-node/issues/28), or that the day's generations are used up
# (https://docs.dev.runwayml.com/usage/tiers), which a short wait does not change.
USED_UP: Final[Mapping[int, re.Pattern[str]]] = {
    400: re.compile(r"^You do not have enough credits"),
    429: re.compile(r"\bdaily\b", re.IGNORECASE),
}

# The id becomes part of a URL's path.
TaskId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
_ResultUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00]+$")]
_RESULT_URLS: Final = TypeAdapter(list[_ResultUrl])


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Created(_Payload):
    """The answer to a create."""

    id: TaskId


class _Cost(_Payload):
    credits: Decimal


class Task(_Payload):
    """A task, in the answer to a read. `cost` is set after the task has ended."""

    id: TaskId
    status: str
    progress: JsonValue = None
    output: JsonValue = None
    failure: str | None = None
    failure_code: str | None = Field(default=None, alias="failureCode")
    cost: JsonValue = None

    @property
    def credits(self) -> Decimal | None:
        """The charge; None if missing or unreadable, because the result is paid for in any case."""
        try:
            return _Cost.model_validate(self.cost).credits
        except ValidationError:
            return None


class Organization(_Payload):
    """The answer to `GET /v1/organization`."""

    credit_balance: Decimal = Field(alias="creditBalance")


class ErrorBody(_Payload):
    """An error (https://docs.dev.runwayml.com/errors/errors)."""

    error: str


def to_state(task: Task) -> RemoteState:
    """The state of a task.

    Raises:
        ProviderBadResponse: Runway does not document the status or the result.
    """
    match to_status(task):
        case RemoteStatus.SUCCEEDED:
            return _succeeded(task)
        case RemoteStatus.FAILED:
            code, text = _failure(task.failure_code or "")
            return _failed(task, code, f"runway {text}: {quotable(task.failure or 'no reason given')}")
        case RemoteStatus.RUNNING:
            return RemoteState(RemoteStatus.RUNNING, progress=_fraction(task.progress))
        case status:
            return RemoteState(status, provider_credits=task.credits)


def to_status(task: Task) -> RemoteStatus:
    """The status of a task.

    Raises:
        ProviderBadResponse: Runway does not document the status.
    """
    status = STATUSES.get(task.status)
    if status is None:
        raise ProviderBadResponse("runway reported a state that it does not document")
    return status


def _fraction(progress: JsonValue) -> float | None:
    match progress:
        case bool():
            return None
        case int() | float() if 0 <= progress <= 1:
            return float(progress)
        case _:
            return None


def _succeeded(task: Task) -> RemoteState:
    if not task.output:
        return _failed(task, ErrorCode.PROVIDER_FAILED, "runway reported success without a result")
    try:
        urls = _RESULT_URLS.validate_python(task.output)
    except ValidationError:
        raise ProviderBadResponse("runway reported success with a result of another form") from None
    return RemoteState(RemoteStatus.SUCCEEDED, result_urls=urls, provider_credits=task.credits)


def _failure(code: str) -> tuple[ErrorCode, str]:
    """The meaning of a failure's code, by its first known part."""
    parts = code.split(".")
    known = (_FAILURES.get(".".join(parts[:count])) for count in range(1, len(parts) + 1))
    return next((meaning for meaning in known if meaning is not None), _OTHER_FAILURE)


def _failed(task: Task, code: ErrorCode, message: str) -> RemoteState:
    return RemoteState(RemoteStatus.FAILED, error_code=code, error_message=message, provider_credits=task.credits)
