"""A call to a vendor and its answer, with the error that the HTTP status stands for. Common to all vendors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from providers.base import Fence
from schemas.names import ProviderName
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)

M = TypeVar("M", bound=BaseModel)

# A proxy answers so for a server that is away. A server that is about to stop answers 503 itself.
_SILENCE = frozenset({502, 503, 504})


@dataclass(frozen=True)
class FormFile:
    """A file in a form."""

    name: str
    """The name of the form's field."""

    file_name: str
    """The file's name in the form."""

    content_type: str
    """The media type of the content."""

    content: bytes = field(repr=False)
    """The bytes."""


@dataclass(frozen=True)
class Form:
    """A body to send as `multipart/form-data`."""

    fields: Mapping[str, str] = field(repr=False)
    """The text fields."""

    file: FormFile | None = None
    """A file. It follows the fields, as S3 requires."""


@dataclass(frozen=True)
class Raw:
    """A body that is already encoded."""

    content_type: str
    """The media type of the content."""

    content: bytes = field(repr=False)
    """The bytes."""


@dataclass(frozen=True)
class Call:
    """One call to a vendor."""

    provider: ProviderName
    """The account that makes the call."""

    operation: str
    """The call's name in logs and errors: "submit"."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    """The HTTP method."""

    url: str = field(repr=False)
    """The URL, without the query."""

    timeout_seconds: float
    """The time limit of the whole call, from the connection to the last byte."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The headers of this call, with the key. `Transport` adds those of every call."""

    params: Mapping[str, str] | None = field(default=None, repr=False)
    """The query of the URL."""

    body: Mapping[str, object] | Form | Raw | None = field(default=None, repr=False)
    """The body. A mapping is sent as JSON."""

    fence: Fence | None = field(default=None, repr=False)
    """Makes the call a create. The vendor bills a create, so Reelworks must not send it twice."""

    elide: str | None = None
    """The JSON member that contains a file as base64. The answer is read without long values of this member."""

    keeps_file: bool = False
    """Whether to keep the file of an elided member in `Reply.file`."""

    is_elsewhere: bool = False
    """Whether the vendor supplied the URL. If so, the address policy must allow the URL."""

    def __post_init__(self) -> None:
        if self.fence is not None and self.body is None:
            raise ValueError("a create has a body: its fence is called when the body leaves")

    @property
    def is_create(self) -> bool:
        """Whether the call has a fence: the vendor bills the call."""
        return self.fence is not None


@dataclass(frozen=True)
class Reply:
    """A vendor's answer, whatever its status. The adapter reads the vendor's error codes before the status."""

    call: Call
    """The call."""

    status: int
    """The HTTP status."""

    content: bytes = field(repr=False)
    """The body, without the elided files."""

    retry_after: float | None = None
    """The seconds to wait before the next call, if the vendor names them."""

    file: bytes = field(default=b"", repr=False)
    """The file in the answer, if `Call.keeps_file`."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The headers. Look-ups ignore case."""

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx. Some vendors answer errors with 200 too."""
        return 200 <= self.status < 300

    def read(self, form: type[M]) -> M | None:
        """The body, parsed into a model; None if the body does not match."""
        try:
            return form.model_validate_json(self.content)
        except ValidationError:
            return None

    def require(self, form: type[M]) -> M:
        """The body, parsed into the model that every answer of the vendor matches.

        Raises:
            ProviderError: the body does not match, so the vendor's API did not send it.
        """
        found = self.read(form)
        if found is None:
            raise self.unreadable()
        return found

    def error(self) -> ProviderError:
        """The error that the HTTP status stands for. Use it where the body has no error code of the vendor."""
        text = f"{self.call.provider} answered {self.call.operation} with HTTP {self.status}"
        match self.status:
            case 401 | 403:
                return ProviderAuthFailed(text)
            case 402:
                return ProviderQuotaExceeded(text)
            case 429:
                return ProviderRateLimited(text, retry_after=self.retry_after)
            case 408 if self.call.is_create:
                # A proxy timed out while it waited for the vendor's server. That server may have the request.
                return ProviderOutcomeUnknown(text)
            case 408 | 425 | 503:
                return self._unavailable(text)
            case status if 400 <= status < 500:
                return ProviderRejected(text)
            case _ if self.call.is_create:
                return ProviderOutcomeUnknown(text)
            case status if status >= 500:
                return self._unavailable(text)
            case _:
                return ProviderBadResponse(text)

    def _unavailable(self, text: str) -> ProviderUnavailable:
        return ProviderUnavailable(text, retry_after=self.retry_after, is_silence=self.status in _SILENCE)

    def unreadable(self) -> ProviderError:
        """The error for a body that the vendor's API did not send: an HTTP error, or a web page."""
        if not self.is_success:
            return self.error()
        text = f"{self.call.provider} answered {self.call.operation} with an unreadable body"
        return ProviderOutcomeUnknown(text) if self.call.is_create else ProviderUnavailable(text)

    def undocumented(self, what: str) -> ProviderError:
        """The error for a readable answer that the vendor does not document. `what`: "the code 7"."""
        text = f"{self.call.provider} answered {self.call.operation} with {what}, which it does not document"
        return ProviderOutcomeUnknown(text) if self.call.is_create else ProviderBadResponse(text)
