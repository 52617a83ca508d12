"""What can go wrong, in three families, by what the caller should do.

ReelworksError
  RequestError              the caller's: answered as RFC 9457 problem+json, over HTTP and over Redis alike
    Unauthenticated 401, InsufficientCredits 402, NotFound 404, NotReady 409, NotCancellable 409, ModelRetired 410,
    InvalidRequest 422, IdempotencyMismatch 422, ModelPaused 503
  ProviderError             the vendor's: the stage decides by the class
    ProviderUnavailable     not accepted, or not reachable: the same call may be made again, after `retry_after`
    ProviderOutcomeUnknown  the request left, and nobody knows whether it was accepted: never repeat a create
    ProviderRejected        the request is wrong: it fails at once
    ProviderAuthFailed      our account is refused: the next route, and an alert
    ProviderQuotaExceeded   our account is empty: the next route, and an alert
    ProviderBadResponse     the vendor answered something that its documentation does not know
  DownloadError             a result could not be fetched; `is_stale` asks for a fresh link first
  LeaseLost                 another worker has the generation: write nothing more
  AlreadySettled            the hold of this generation was captured, or released, before
"""

from collections.abc import Mapping
from typing import Self

from schemas.enums import ErrorCode


class ReelworksError(Exception):
    """The root of every error that Reelworks raises on purpose."""


class InvalidSettings(ReelworksError):
    """A setting that cannot be served; the text names the variable and what it may be."""


class RequestError(ReelworksError):
    """A request that cannot be served, with what a problem+json document needs.

    `detail` says what was wrong and what would be right; `extra` are further members of the document.
    """

    http_status = 400
    code = "bad_request"
    title = "Bad request"

    def __init__(self, detail: str, extra: dict[str, object] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra or {}

    def problem(self) -> dict[str, object]:
        """The RFC 9457 document."""
        return {
            "type": f"urn:reelworks:problem:{self.code}",
            "title": self.title,
            "status": self.http_status,
            "code": self.code,
            "detail": self.detail,
            **self.extra,
        }


class Unauthenticated(RequestError):
    http_status = 401
    code = "unauthenticated"
    title = "Authentication needed"


class InsufficientCredits(RequestError):
    http_status = 402
    code = "insufficient_credits"
    title = "Insufficient credits"


class NotFound(RequestError):
    http_status = 404
    code = "not_found"
    title = "Not found"


class NotReady(RequestError):
    http_status = 409
    code = "not_ready"
    title = "Not ready"


class NotCancellable(RequestError):
    http_status = 409
    code = "not_cancellable"
    title = "Not cancellable"


class ModelRetired(RequestError):
    http_status = 410
    code = "model_retired"
    title = "Model retired"


class ModelPaused(RequestError):
    http_status = 503
    code = "model_paused"
    title = "Model paused"


class InvalidRequest(RequestError):
    http_status = 422
    code = "invalid_request"
    title = "Invalid request"

    @classmethod
    def of_fields(cls, problems: Mapping[str, str]) -> Self:
        """What is wrong with some fields, by their names."""
        detail = "; ".join(f"{field}: {message}" for field, message in problems.items())
        return cls(detail, {"errors": [{"field": field, "message": text} for field, text in problems.items()]})


class IdempotencyMismatch(RequestError):
    http_status = 422
    code = "idempotency_mismatch"
    title = "Idempotency key reused"


class ProviderError(ReelworksError):
    """A vendor's trouble. `message` is safe to show to a customer: it never holds a key or a URL."""

    code = ErrorCode.PROVIDER_FAILED

    def __init__(self, message: str, *, code: ErrorCode | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.retry_after = retry_after


class ProviderUnavailable(ProviderError):
    code = ErrorCode.PROVIDER_UNAVAILABLE


class ProviderRateLimited(ProviderUnavailable):
    """Our own rate at the vendor: waiting helps for certain, so it does not count as a failure."""


class ProviderOutcomeUnknown(ProviderError):
    code = ErrorCode.SUBMIT_OUTCOME_UNKNOWN


class ProviderRejected(ProviderError):
    code = ErrorCode.PROVIDER_REJECTED


class ProviderAuthFailed(ProviderError):
    code = ErrorCode.PROVIDER_AUTH_FAILED


class ProviderQuotaExceeded(ProviderError):
    code = ErrorCode.PROVIDER_QUOTA_EXCEEDED


class ProviderBadResponse(ProviderError):
    code = ErrorCode.PROVIDER_BAD_RESPONSE


class CallbackRefused(ReelworksError):
    """A callback that is not the vendor's: bad signature, stale time, unreadable body."""


class DownloadError(ReelworksError):
    """A result that could not be fetched. `is_stale`: the link itself was refused; `is_final`: no retry can help."""

    def __init__(self, message: str, *, is_stale: bool = False, is_final: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.is_stale = is_stale
        self.is_final = is_final


class ResultInvalid(ReelworksError):
    """What the provider delivered is not the media that was ordered."""


class AlreadySettled(ReelworksError):
    """A hold ends once: what was captured cannot be released, and what was released cannot be captured."""


class LeaseLost(ReelworksError):
    """The lease of this claim ran out and the generation may be another worker's."""
