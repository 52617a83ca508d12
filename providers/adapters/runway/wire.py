"""Runway's wire as data and pure functions: answers, states, failures, errors.

Source: https://docs.dev.runwayml.com/api and the types of Runway's own client, https://github.com/runwayml/sdk-python,
unless a line names another.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Final

from pydantic import Field, JsonValue, StringConstraints

from providers.adapters.payload import Lenient, Payload, Report, fraction, texts
from providers.adapters.results import failed, finished
from providers.adapters.words import no_news, read_status
from providers.base import RemoteState, RemoteStatus
from schemas.enums import ErrorCode
from schemas.limits import Refusal
from schemas.provider_errors import ProviderError, ProviderQuotaExceeded, ProviderRateLimited

VERSION: Final = "2024-11-06"
"""The version of the API, for the header `X-Runway-Version`."""

# More tasks than the account may run at once: https://docs.dev.runwayml.com/usage/tiers
_THROTTLED: Final = "THROTTLED"
STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "PENDING": RemoteStatus.QUEUED,
    _THROTTLED: RemoteStatus.QUEUED,
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
_DAILY: Final = re.compile(r"\bdaily\b", re.IGNORECASE)


def used_up(status: int, text: str) -> ProviderError | None:
    """The error of a refusal because the credits or the day's generations of our account are used up."""
    if status == HTTPStatus.BAD_REQUEST and text.startswith("You do not have enough credits"):
        return ProviderQuotaExceeded("runway says that our account has too few credits")
    if status == HTTPStatus.TOO_MANY_REQUESTS and _DAILY.search(text):
        return ProviderRateLimited(
            "runway says that the day's generations of our account are used up", refusal=Refusal.DAILY
        )
    return None


# The id becomes part of a URL's path.
TaskId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]


class Created(Payload):
    """The answer to a create."""

    id: TaskId


class _Cost(Payload):
    credits: Decimal


class Task(Report):
    """A task, in the answer to a read. `cost` is set after the task has ended."""

    id: Lenient[TaskId] = None
    status: JsonValue = None
    progress: JsonValue = None
    output: JsonValue = None
    failure: JsonValue = None
    failure_code: Lenient[str] = Field(default=None, alias="failureCode")
    cost: Lenient[_Cost] = None

    @property
    def credits(self) -> Decimal | None:
        """The charge; None if missing or unreadable, because the result is paid for in any case."""
        return None if self.cost is None else self.cost.credits


class Organization(Payload):
    """The answer to `GET /v1/organization`."""

    credit_balance: Decimal = Field(alias="creditBalance")


class ErrorBody(Payload):
    """An error (https://docs.dev.runwayml.com/errors/errors)."""

    error: JsonValue

    @property
    def text(self) -> str:
        """The text of the error."""
        return "; ".join(texts(self.error))


def to_state(task: Task) -> RemoteState:
    """The state of a task."""
    match to_status(task):
        case RemoteStatus.SUCCEEDED:
            return finished("runway", task.output, credits_=task.credits)
        case RemoteStatus.FAILED:
            code, text = _failure(task.failure_code or "")
            reason = "; ".join(texts(task.failure)) or "no reason given"
            return failed(f"runway {text}: {reason}", code, credits_=task.credits)
        case RemoteStatus.RUNNING:
            return RemoteState(RemoteStatus.RUNNING, progress=fraction(task.progress))
        case RemoteStatus.UNKNOWN:
            return no_news(task.status)
        case RemoteStatus.QUEUED:
            return RemoteState(RemoteStatus.QUEUED, is_throttled=task.status == _THROTTLED)
        case status:
            return RemoteState(status, provider_credits=task.credits)


def to_status(task: Task) -> RemoteStatus:
    """The status of a task."""
    return read_status(task.status, STATUSES)


def _failure(code: str) -> tuple[ErrorCode, str]:
    """The meaning of a failure's code, by its first known part."""
    parts = code.split(".")
    known = (_FAILURES.get(".".join(parts[:count])) for count in range(1, len(parts) + 1))
    return next((meaning for meaning in known if meaning is not None), _OTHER_FAILURE)
