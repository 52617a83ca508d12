"""The wire of fal's queue as data and pure functions: paths, states, results, errors.

Source: https://fal.ai/docs/api-reference/inference-api, unless a line names another.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue, StringConstraints, TypeAdapter, ValidationError

from providers.adapters.links import file_links
from providers.adapters.payload import Lenient, Payload, Report, texts
from providers.adapters.results import failed, finished
from providers.adapters.words import read_status
from providers.base import RemoteState, RemoteStatus
from schemas.enums import ErrorCode

LinkName = Literal["status", "response", "cancel"]

STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "IN_QUEUE": RemoteStatus.QUEUED,
    "IN_PROGRESS": RemoteStatus.RUNNING,
    # The request has ended. `error` and the result's HTTP status show whether it succeeded.
    "COMPLETED": RemoteStatus.SUCCEEDED,
}

# `type` of a model's error (https://docs.fal.ai/documentation/model-apis/request-errors). For any other type, the
# status 422 means that the model does not take an input.
_CODES: Final[Mapping[str, ErrorCode]] = {
    "content_policy_violation": ErrorCode.CONTENT_REJECTED,
    "file_download_error": ErrorCode.INPUT_UNREADABLE,
    "image_load_error": ErrorCode.INPUT_UNREADABLE,
    "file_too_large": ErrorCode.PROVIDER_REJECTED,
    "image_too_large": ErrorCode.PROVIDER_REJECTED,
    "image_too_small": ErrorCode.PROVIDER_REJECTED,
}
_INVALID = 422
# The text of an account without credits, with HTTP 403: "User is locked. Reason: Exhausted balance. Top up your …" or
# "User is locked. Reason: TOP_UP." (https://github.com/fal-ai/fal/issues/1163). Other locks have other reasons.
NO_BALANCE: Final = re.compile(r"\b(exhausted balance|top_up)\b", re.IGNORECASE)

# Namespaces: after one of these, the app is the third part of a model's id (fal-client 1.0.3, `AppId`).
_NAMESPACES = frozenset({"workflows", "comfy"})
_SUFFIXES: Final[Mapping[LinkName, str]] = {"status": "/status", "response": "", "cancel": "/cancel"}

# The id becomes part of a URL's path.
RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
# 0 is the next one. A larger number than any queue has is no position.
QueuePosition = Lenient[Annotated[int, Field(ge=0, lt=10**9)]]
_LINK: Final = TypeAdapter(Annotated[str, StringConstraints(pattern=r"^https?://[\x21-\x7e]{1,2000}$")])

# The members of a model's output that hold its files. Some models wrap their output.
_FILES: Final = ("video", "videos", "image", "images", "file", "url")
_WRAPPERS: Final = ("output", "data")


class Created(Payload):
    """The answer to a create. Only the id is required; links of another form are ignored."""

    request_id: RequestId
    queue_position: QueuePosition = None
    status_url: JsonValue = None
    response_url: JsonValue = None
    cancel_url: JsonValue = None

    @property
    def links(self) -> dict[str, str]:
        """The links for reading and cancelling the request."""
        told: dict[LinkName, JsonValue] = {
            "status": self.status_url,
            "response": self.response_url,
            "cancel": self.cancel_url,
        }
        return {name: link for name, link in told.items() if isinstance(link, str) and _is_link(link)}


class Notice(Payload):
    """The body of a webhook. When fal retries a request, `gateway_request_id` changes and `request_id` does not."""

    request_id: RequestId


class Progress(Report):
    """The answer to a read of `status_url`."""

    members = frozenset({"request_id", "status"})
    status: JsonValue = None
    request_id: Lenient[str] = None
    queue_position: QueuePosition = None
    error: JsonValue = None
    error_type: Lenient[str] = None


class CancelAnswer(Payload):
    """The answer to a call of `cancel_url`."""

    status: str


class Refusal(Payload):
    """An error. A model's error has a list in `detail`; fal's own error has a text and an `error_type`."""

    detail: JsonValue
    error_type: Lenient[str] = None

    @property
    def kind(self) -> str | None:
        """The type of the error. None: fal gives none, so the error does not show the outcome of the work."""
        details = self.detail if isinstance(self.detail, list) else [self.detail]
        kinds = (detail.get("type") for detail in details if isinstance(detail, dict))
        return next((kind for kind in kinds if isinstance(kind, str) and kind), self.error_type)

    @property
    def text(self) -> str:
        """The text of the error."""
        return "; ".join(texts(self.detail))


def request_path(model: str, request_id: str, name: LinkName) -> str:
    """The path that fal documents, for a request without stored links.

    The path contains only the owner and the app of the model's id: `fal-ai/pika` of `fal-ai/pika/v2.2/text-to-video`.
    """
    words = model.split("/")
    app = "/".join(words[: 3 if words[0] in _NAMESPACES else 2])
    return f"/{app}/requests/{request_id}{_SUFFIXES[name]}"


def to_status(progress: Progress) -> RemoteStatus:
    """The status of a request. A failed request is `SUCCEEDED` here: fal calls it completed."""
    return read_status(progress.status, STATUSES)


def error_code(kind: str | None, http_status: int | None = None) -> ErrorCode:
    """The cause of a model's error. Its `type` decides first, then the HTTP status."""
    rest = ErrorCode.PROVIDER_REJECTED if http_status == _INVALID else ErrorCode.PROVIDER_FAILED
    return _CODES.get(kind or "", rest)


def to_result(output: JsonValue) -> RemoteState:
    """The state of a request, from its result."""
    if not isinstance(output, dict):
        return finished("fal", output)
    wrapped = (inner for name in _WRAPPERS if isinstance(inner := output.get(name), dict))
    results = [each.get(name) for each in (output, *wrapped) for name in _FILES]
    return finished("fal", next((result for result in results if file_links(result)), None))


def to_failure(kind: str | None, text: str, code: ErrorCode) -> RemoteState:
    """The state of a failed request."""
    word = f" ({kind})" if kind else ""
    return failed(f"fal could not generate it{word}: {text or 'no reason given'}", code)


def _is_link(text: str) -> bool:
    try:
        _LINK.validate_python(text)
    except ValidationError:
        return False
    return True
