"""The errors of vendors, in families by the action that they require.

ProviderError             an error of the vendor: each stage acts by the class
  ProviderUnavailable     not accepted, or not reachable: repeat the call after `retry_after`
    ProviderRateLimited   a limit of our account: no failure; the account waits
    ProviderWorkAbsent    the server answers, and does not show the work: silence of the work alone
  ProviderOutcomeUnknown  the request was sent, and its outcome is unknown: never repeat a create
  ProviderRejected        the request is wrong: the generation fails at once
  ProviderAuthFailed      our account is refused: take the next route, and alert
  ProviderQuotaExceeded   our account is empty: take the next route, or wait, and alert
  ProviderModelGone       the vendor no longer has the model: take the next route, and alert
  ProviderBadResponse     the answer contradicts the vendor's documentation
"""

from schemas.enums import ErrorCode
from schemas.errors import ReelworksError
from schemas.limits import Refusal


class ProviderError(ReelworksError):
    """An error of a vendor. Customers may see `message`, which never contains a key or a URL."""

    code = ErrorCode.PROVIDER_FAILED
    refusal: Refusal | None = None
    """Why the vendor takes nothing of our account now. None: the error is not about the account's limits."""
    is_silence = False
    """True: the vendor's server gave no answer at all, or a proxy said so (502, 503, 504)."""

    def __init__(
        self,
        message: str,
        *,
        code: ErrorCode | None = None,
        retry_after: float | None = None,
        refusal: Refusal | None = None,
        is_silence: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.retry_after = retry_after
        self.refusal = refusal or type(self).refusal
        self.is_silence = is_silence or type(self).is_silence


class ProviderUnavailable(ProviderError):
    code = ErrorCode.PROVIDER_UNAVAILABLE


class ProviderRateLimited(ProviderUnavailable):
    """A limit of our account at the vendor. A wait always helps, so the error does not count as a failure."""

    refusal = Refusal.TOO_FAST


class ProviderWorkAbsent(ProviderUnavailable):
    """The server answers a read, and shows no such work, which proves nothing yet.

    The absence counts as silence of the work, and as an answer of the server.
    """

    is_silence = True


class ProviderOutcomeUnknown(ProviderError):
    code = ErrorCode.SUBMIT_OUTCOME_UNKNOWN


class ProviderRejected(ProviderError):
    code = ErrorCode.PROVIDER_REJECTED


class ProviderAuthFailed(ProviderError):
    code = ErrorCode.PROVIDER_AUTH_FAILED


class ProviderQuotaExceeded(ProviderError):
    code = ErrorCode.PROVIDER_QUOTA_EXCEEDED
    refusal = Refusal.NO_MONEY


class ProviderModelGone(ProviderError):
    code = ErrorCode.PROVIDER_REJECTED


class ProviderBadResponse(ProviderError):
    code = ErrorCode.PROVIDER_BAD_RESPONSE
