"""A call to a vendor, and the answer with the error that it stands for, before anything is known of the vendor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from providers.base import Fence
from schemas.errors import (
    ProviderAuthFailed,
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.names import ProviderName


@dataclass(frozen=True)
class FormFile:
    """A file in a form, under the field `name`."""

    name: str
    file_name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Form:
    """A body that goes out as `multipart/form-data`: fields of text, and after them, as S3 wants it, a file."""

    fields: Mapping[str, str] = field(repr=False)
    file: FormFile | None = None


@dataclass(frozen=True)
class Raw:
    """A body that somebody else has written."""

    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Call:
    """One call to a vendor.

    `timeout_seconds` is for the whole call, from the connection to the last byte. A call with a `fence` is a create:
    it makes the vendor do paid work, so it must not happen twice. A `body` goes out as JSON, unless it is a `Form` or
    `Raw`. What `elide` names is left out of the answer where it is long: the base64 texts of files; `keeps_file`: into
    `Reply.file`. `is_elsewhere`: its URL is a vendor's text, so it goes only where the address policy lets it.
    """

    provider: ProviderName
    operation: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    url: str = field(repr=False)
    timeout_seconds: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] | None = field(default=None, repr=False)
    body: Mapping[str, object] | Form | Raw | None = field(default=None, repr=False)
    fence: Fence | None = field(default=None, repr=False)
    elide: str | None = None
    keeps_file: bool = False
    is_elsewhere: bool = False

    def __post_init__(self) -> None:
        if self.fence is not None and self.body is None:
            raise ValueError("a create has a body: its fence is called when the body leaves")

    @property
    def is_create(self) -> bool:
        """Whether the vendor is paid for it."""
        return self.fence is not None


@dataclass(frozen=True)
class Reply:
    """What a vendor answered, whatever its status: the adapter reads the vendor's own verdict first."""

    call: Call
    status: int
    content: bytes = field(repr=False)
    retry_after: float | None = None
    file: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """In whatever case they are asked for."""

    @property
    def is_success(self) -> bool:
        """Whether the status says that it worked, which with some vendors means nothing."""
        return 200 <= self.status < 300

    def error(self) -> ProviderError:
        """The error that the HTTP status stands for, where the body holds no verdict of the vendor."""
        text = f"{self.call.provider} answered {self.call.operation} with HTTP {self.status}"
        match self.status:
            case 401 | 403:
                return ProviderAuthFailed(text)
            case 402:
                return ProviderQuotaExceeded(text)
            case 429:
                return ProviderRateLimited(text, retry_after=self.retry_after)
            case 408 if self.call.is_create:
                # A proxy's, which waited too long for the one that does the work, and may have it.
                return ProviderOutcomeUnknown(text)
            case 408 | 425 | 503:
                return ProviderUnavailable(text, retry_after=self.retry_after)
            case status if 400 <= status < 500:
                return ProviderRejected(text)
            case _ if self.call.is_create:
                return ProviderOutcomeUnknown(text)
            case status if status >= 500:
                return ProviderUnavailable(text, retry_after=self.retry_after)
            case _:
                return ProviderBadResponse(text)

    def unreadable(self) -> ProviderError:
        """The error for a body that is not what the vendor's API sends: an HTTP failure, or a stray page."""
        if not self.is_success:
            return self.error()
        text = f"{self.call.provider} answered {self.call.operation} with an unreadable body"
        return ProviderOutcomeUnknown(text) if self.call.is_create else ProviderUnavailable(text)

    def undocumented(self, what: str) -> ProviderError:
        """The error for a readable answer that the vendor's documentation does not know. `what`: "the code 7"."""
        text = f"{self.call.provider} answered {self.call.operation} with {what}, which it does not document"
        return ProviderOutcomeUnknown(text) if self.call.is_create else ProviderBadResponse(text)
