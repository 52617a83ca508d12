"""All errors, in families by the action that they require.

ReelworksError
  RequestError              an error of the caller: answered as RFC 9457 problem+json, over HTTP and over Redis
    Unauthenticated 401 (KeyExpired, KeyRevoked, SignatureInvalid), InsufficientCredits 402, CapReached 402,
    InsufficientScope 403, OtherCustomer 403, NotForThisKey 403, StorageQuotaExceeded 403, NotFound 404, NotReady 409,
    NotCancellable 409, NotFinished 409, EndpointPaused 409, TooManyDeliveries 409, ModelRetired 410,
    GenerationDeleted 410, Expired 410, InvalidRequest 422 (CostAbovePrice), IdempotencyMismatch 422,
    NotContinuable 422,
    TooManyRequests 429, QuotaReached 429, InternalError 500, ModelPaused 503, NoSandbox 503,
    Unavailable 503 (Overloaded)
  ProviderError             an error of the vendor (`schemas.provider_errors`)
  DownloadError             a result was not fetched; `is_stale`: get a fresh link first
    WrongFile               the host sent something else: fetch the result again, a few times
    SlowSource              the host sent less than the least rate
  ResultInvalid             the file is cut, damaged or no medium of the ordered kind: as `WrongFile`
  LeaseLost                 another worker may hold the generation: write nothing more
  AlreadySettled            the hold of this generation has ended before
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from schemas.enums import Scope
from schemas.quotas import QuotaHolder, QuotaLimit


class ReelworksError(Exception):
    """The root of all errors that Reelworks raises on purpose."""


class InvalidSettings(ReelworksError):
    """A setting with an invalid value. The text names the variable and the allowed values."""


class RequestError(ReelworksError):
    """A request that cannot be served. Holds the data of a problem+json document.

    `detail` says what was wrong and what would be right; `extra` holds further members of the document.
    """

    http_status = 400
    code = "bad_request"
    title = "Bad request"

    def __init__(self, detail: str, extra: dict[str, object] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra or {}

    def within(self, place: str) -> Self:
        """The same error, which names the place of its request in a batch, such as `requests.3`."""
        if place:
            self.detail = f"{place}: {self.detail}"
            self.extra = {"place": place, **self.extra}
            if isinstance(errors := self.extra.get("errors"), list):
                self.extra["errors"] = [{**each, "field": f"{place}.{each['field']}"} for each in errors]
        return self

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


class KeyExpired(Unauthenticated):
    code = "key_expired"
    title = "API key expired"


class KeyRevoked(Unauthenticated):
    code = "key_revoked"
    title = "API key revoked"


class SignatureInvalid(Unauthenticated):
    """A message at the Redis door whose signature is wrong or too old."""

    code = "signature_invalid"
    title = "Signature invalid"


class InsufficientCredits(RequestError):
    http_status = 402
    code = "insufficient_credits"
    title = "Insufficient credits"


class StorageQuotaExceeded(RequestError):
    """The customer's uploads would exceed their quota."""

    http_status = 403
    code = "storage_quota_exceeded"
    title = "Storage quota exceeded"


class CapReached(RequestError):
    """The order would exceed the credits that the API key may spend today."""

    http_status = 402
    code = "daily_cap_reached"
    title = "Daily cap of the API key reached"


class InsufficientScope(RequestError):
    """The API key lacks the scope of the route."""

    http_status = 403
    code = "insufficient_scope"
    title = "Insufficient scope"

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"this API key lacks the scope `{scope}`: use a key that has it", {"required_scope": scope})
        self.scope = scope


class OtherCustomer(RequestError):
    """The request names a customer for whom the API key does not act."""

    http_status = 403
    code = "other_customer"
    title = "Another customer"


class NotForThisKey(RequestError):
    """The path serves keys of other owners."""

    http_status = 403
    code = "not_for_this_key"
    title = "Not for this API key"


class NotFound(RequestError):
    http_status = 404
    code = "not_found"
    title = "Not found"


class VariantNotReady(RequestError):
    """The variant is not made yet, or could not be made."""

    http_status = 409
    code = "variant_not_ready"
    title = "Variant not ready"


class NotReady(RequestError):
    http_status = 409
    code = "not_ready"
    title = "Not ready"


class NotCancellable(RequestError):
    http_status = 409
    code = "not_cancellable"
    title = "Not cancellable"


class NotFinished(RequestError):
    """Only a generation that has ended can be deleted or ordered again."""

    http_status = 409
    code = "not_finished"
    title = "Not finished"


class NotContinuable(RequestError):
    """Only a preview that is completed and has its picture can be continued."""

    http_status = 422
    code = "not_continuable"
    title = "Not continuable"


class EndpointPaused(RequestError):
    """Nothing is sent to a paused webhook endpoint."""

    http_status = 409
    code = "endpoint_paused"
    title = "Webhook endpoint paused"


class TooManyDeliveries(RequestError):
    """One request sends no more webhook messages once more."""

    http_status = 409
    code = "too_many_deliveries"
    title = "Too many webhook deliveries"


class GenerationDeleted(RequestError):
    """The request repeats the order of a generation that was deleted."""

    http_status = 410
    code = "generation_deleted"
    title = "Generation deleted"


class ModelRetired(RequestError):
    http_status = 410
    code = "model_retired"
    title = "Model retired"


class ModelPaused(RequestError):
    http_status = 503
    code = "model_paused"
    title = "Model paused"


class NoSandbox(RequestError):
    """A test key's order where no sandbox is configured."""

    http_status = 503
    code = "no_sandbox"
    title = "No sandbox"

    def __init__(self) -> None:
        super().__init__("test keys order from the sandbox, and none is configured here: the operator sets its address")


class InvalidRequest(RequestError):
    http_status = 422
    code = "invalid_request"
    title = "Invalid request"

    @classmethod
    def of_fields(cls, problems: Sequence[tuple[str, str]], *, more: int = 0) -> Self:
        """The errors of some fields: each field's name, and the message. `more`: the number of errors left out."""
        detail = "; ".join(f"{field}: {message}" for field, message in problems)
        if more:
            detail += f"; and {more} more"
        return cls(detail, {"errors": [{"field": field, "message": text} for field, text in problems]})


class CostAbovePrice(InvalidRequest):
    """Every provider of the model costs us more than the price of the order. Another model may serve."""

    code = "cost_above_price"
    title = "Cost above the price"


class IdempotencyMismatch(RequestError):
    http_status = 422
    code = "idempotency_mismatch"
    title = "Idempotency key reused"


class TooManyRequests(RequestError):
    """The customer's share is used up."""

    http_status = 429
    code = "too_many_requests"
    title = "Too many requests"


class QuotaReached(RequestError):
    """An order over a limit of its customer or of its API key. Nothing of the request was accepted."""

    http_status = 429
    code = "quota_reached"
    title = "Limit reached"

    def __init__(
        self,
        limit: QuotaLimit,
        holder: QuotaHolder,
        *,
        most: int,
        needed: int,
        used: int | None = None,
        frees_at: datetime | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Makes the refusal.

        Args:
            used: how much of the limit is used. None: the order does not fit into the limit at any time.
            frees_at: the time at which the limit has room again. None: unknown, or never.
            retry_after: the seconds after which the same order may be accepted. None: never.
        """
        whose = "this API key" if holder is QuotaHolder.KEY else "you"
        super().__init__(
            f"{_words(limit, whose, most)}: {_remedy(limit, needed, used)}",
            {
                "limit": limit, "limit_of": holder, "most": most, "used": used, "needed": needed,
                "frees_at": frees_at and frees_at.isoformat().replace("+00:00", "Z"), "retry_after": retry_after,
            },
        )  # fmt: skip
        self.retry_after = retry_after


def _words(limit: QuotaLimit, whose: str, most: int) -> str:
    match limit:
        case QuotaLimit.IN_FLIGHT:
            return f"{whose} may have {most} unfinished generations at the same time"
        case QuotaLimit.PER_DAY:
            return f"{whose} may order {most} generations a day"
        case QuotaLimit.CREDITS_PER_DAY:
            return f"{whose} may spend {most} credits a day"


def _remedy(limit: QuotaLimit, needed: int, used: int | None) -> str:
    if used is None:
        return f"this request needs {needed} at once, so send a smaller one"
    then = "wait until one has ended" if limit is QuotaLimit.IN_FLIGHT else "the day ends at 00:00 UTC"
    return f"{used} are used, and this request needs {needed}: {then}"


class Unavailable(RequestError):
    """A service does not answer, or all customers together want too much."""

    http_status = 503
    code = "unavailable"
    title = "Unavailable"


class Overloaded(Unavailable):
    """More requests wait at the Redis door than the operator allows."""

    code = "overloaded"
    title = "Overloaded"


class InternalError(RequestError):
    """A mistake of ours. Whether the request took effect is unknown."""

    http_status = 500
    code = "internal"
    title = "Internal error"


class Expired(RequestError):
    """The request came after the time that its sender set for it."""

    http_status = 410
    code = "expired"
    title = "Expired"

    def __init__(self) -> None:
        super().__init__("the request came after its expires, and nothing was done: send it again if you still want it")


class CallbackRefused(ReelworksError):
    """A callback that does not come from the vendor: wrong signature, old timestamp, unreadable body."""


class DownloadError(ReelworksError):
    """A download that failed.

    `is_stale`: the link itself was refused. `is_gone`: the host has no such file, or no longer. `is_final`: no retry
    can help.
    """

    def __init__(self, message: str, *, is_stale: bool = False, is_gone: bool = False, is_final: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.is_stale = is_stale
        self.is_gone = is_gone
        self.is_final = is_final


class WrongFile(DownloadError):
    """The host sent something else than the ordered file. A later read may bring the file."""


class SlowSource(DownloadError):
    """The host sent less than the least rate. A result is fetched again, and a quarter of the rate is enough then."""


class ResultInvalid(ReelworksError):
    """A result that is cut, damaged, or other than the ordered media. The text is for the customer."""


class AlreadySettled(ReelworksError):
    """A hold ends once: a captured hold cannot be released, and a released hold cannot be captured."""


class LeaseLost(ReelworksError):
    """The lease of this claim has expired. Another worker may hold the generation."""
