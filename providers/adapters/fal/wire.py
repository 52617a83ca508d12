"""The wire of fal's queue as data and pure functions: paths, states, results, errors.

Source: https://fal.ai/docs/api-reference/inference-api, unless a line names another.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, StringConstraints, TypeAdapter, ValidationError

from providers.base import RemoteState, RemoteStatus
from providers.http.redaction import quotable
from schemas.enums import ErrorCode
from schemas.errors import ProviderBadResponse

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

# Namespaces: after one of these, the app is the third part of a model's id (fal-client 1.0.3, `AppId`).
_NAMESPACES = frozenset({"workflows", "comfy"})
_SUFFIXES: Final[Mapping[LinkName, str]] = {"status": "/status", "response": "", "cancel": "/cancel"}

# The id becomes part of a URL's path.
RequestId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
_LINK: Final = TypeAdapter(Annotated[str, StringConstraints(pattern=r"^https?://[\x21-\x7e]{1,2000}$")])
_RESULT_URL = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00]+$")]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Created(_Payload):
    """The answer to a create. Only the id is required; links of another form are ignored."""

    request_id: RequestId
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


class Notice(_Payload):
    """The body of a webhook. When fal retries a request, `gateway_request_id` changes and `request_id` does not."""

    request_id: RequestId


class Progress(_Payload):
    """The answer to a read of `status_url`."""

    status: str
    request_id: str | None = None
    error: JsonValue = None
    error_type: str | None = None


class CancelAnswer(_Payload):
    """The answer to a call of `cancel_url`."""

    status: str


class Detail(_Payload):
    """One error of a model or of its input."""

    type: str = ""
    msg: str = ""


class Refusal(_Payload):
    """An error. A model's error has a list in `detail`; fal's own error has a text and an `error_type`."""

    detail: list[Detail] | str
    error_type: str | None = None

    @property
    def kind(self) -> str | None:
        """The type of the error. None: fal gives none, so the error does not show the outcome of the work."""
        if isinstance(self.detail, list):
            return next((detail.type for detail in self.detail if detail.type), None)
        return self.error_type

    @property
    def text(self) -> str:
        """The text of the error."""
        details = self.detail if isinstance(self.detail, list) else [Detail(msg=self.detail)]
        return "; ".join(detail.msg for detail in details if detail.msg)


class _File(_Payload):
    url: _RESULT_URL


class _Output(_Payload):
    video: _File | None = None


def request_path(model: str, request_id: str, name: LinkName) -> str:
    """The path that fal documents, for a request without stored links.

    The path contains only the owner and the app of the model's id: `fal-ai/pika` of `fal-ai/pika/v2.2/text-to-video`.
    """
    words = model.split("/")
    app = "/".join(words[: 3 if words[0] in _NAMESPACES else 2])
    return f"/{app}/requests/{request_id}{_SUFFIXES[name]}"


def to_status(progress: Progress) -> RemoteStatus:
    """The status of a request. A failed request is `SUCCEEDED` here: fal calls it completed.

    Raises:
        ProviderBadResponse: fal does not document the status.
    """
    status = STATUSES.get(progress.status)
    if status is None:
        raise ProviderBadResponse("fal reported a state that it does not document")
    return status


def error_code(kind: str | None, http_status: int | None = None) -> ErrorCode:
    """The cause of a model's error. Its `type` decides first, then the HTTP status."""
    rest = ErrorCode.PROVIDER_REJECTED if http_status == _INVALID else ErrorCode.PROVIDER_FAILED
    return _CODES.get(kind or "", rest)


def to_result(output: Mapping[str, JsonValue]) -> RemoteState:
    """The state of a request, from its result.

    Raises:
        ProviderBadResponse: the result has an undocumented form.
    """
    try:
        video = _Output.model_validate(output).video
    except ValidationError:
        raise ProviderBadResponse("fal reported success with a result of another form") from None
    if video is None:
        return failed("fal reported success without a result", ErrorCode.PROVIDER_FAILED)
    return RemoteState(RemoteStatus.SUCCEEDED, result_urls=[video.url])


def to_failure(kind: str | None, text: str, code: ErrorCode) -> RemoteState:
    """The state of a failed request. `text` must be safe to quote."""
    word = f" ({quotable(kind)})" if kind else ""
    return failed(f"fal could not generate it{word}: {text or 'no reason given'}", code)


def failed(message: str, code: ErrorCode) -> RemoteState:
    """A failed state with a message of ours."""
    return RemoteState(RemoteStatus.FAILED, error_code=code, error_message=message)


def _is_link(text: str) -> bool:
    try:
        _LINK.validate_python(text)
    except ValidationError:
        return False
    return True
