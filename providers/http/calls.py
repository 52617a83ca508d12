"""A call to a vendor, and the answer with the error that it stands for, before anything is known of the vendor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

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

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class FormFile:
    """A file in a form."""

    name: str
    """The field of the form that holds the file."""

    file_name: str
    """The name that the file is given."""

    content_type: str
    """The media type of the content."""

    content: bytes = field(repr=False)
    """The bytes."""


@dataclass(frozen=True)
class Form:
    """A body that goes out as `multipart/form-data`."""

    fields: Mapping[str, str] = field(repr=False)
    """Fields of text."""

    file: FormFile | None = None
    """A file, which comes after the fields, as S3 wants it."""


@dataclass(frozen=True)
class Raw:
    """A body that somebody else has written."""

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
    """What the call is for, as logs and errors name it: "submit"."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    """The method of HTTP."""

    url: str = field(repr=False)
    """Where the call goes."""

    timeout_seconds: float
    """The limit of the whole call, from the connection to the last byte."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers beside those of every call; the key is among them."""

    params: Mapping[str, str] | None = field(default=None, repr=False)
    """What is added to the URL as its query."""

    body: Mapping[str, object] | Form | Raw | None = field(default=None, repr=False)
    """The body. It goes out as JSON, unless it is a `Form` or `Raw`."""

    fence: Fence | None = field(default=None, repr=False)
    """Makes the call a create: the vendor does paid work, so the call must not happen twice."""

    elide: str | None = None
    """The name of the members of the answer that are left out where they are long: base64 texts of files."""

    keeps_file: bool = False
    """Whether a file that is left out of the answer goes into `Reply.file`."""

    is_elsewhere: bool = False
    """Whether the vendor supplied the URL. Then the call goes only where the address policy lets it."""

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
    """The call that was answered."""

    status: int
    """The status of HTTP."""

    content: bytes = field(repr=False)
    """The body, without the files that the call elides."""

    retry_after: float | None = None
    """The seconds after which the vendor wants to be asked again, where it says so."""

    file: bytes = field(default=b"", repr=False)
    """The file of the answer, if the call keeps it."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The headers of the answer; names in any case find them."""

    @property
    def is_success(self) -> bool:
        """Whether the status says that it worked, which with some vendors means nothing."""
        return 200 <= self.status < 300

    def read(self, form: type[M]) -> M | None:
        """The body in a form that the vendor documents; None where it has another."""
        try:
            return form.model_validate_json(self.content)
        except ValidationError:
            return None

    def require(self, form: type[M]) -> M:
        """The body in the form that every answer of the vendor has.

        Raises:
            ProviderError: the body has another, so it is not the vendor's.
        """
        found = self.read(form)
        if found is None:
            raise self.unreadable()
        return found

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
