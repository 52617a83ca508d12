"""All errors of this package.

ReelworksError
  ApiError                  the gateway or the Redis door refused: `code` is stable, and `detail` names the remedy
    Unauthenticated         the API key is wrong, expired or revoked
    InsufficientCredits     too few credits: `credits_needed`, `credits_available`
    DailyCapReached         the key has spent its credits of today
    QuotaReached            a limit of the customer or of the key has no room
    Forbidden               the key may not do this
    NotFound                no such thing, or the thing of another customer
    Conflict                not in this state: not ready, not finished, not cancellable, no result
    Gone                    a retired model, a deleted generation, an expired file
    InvalidRequest          `errors` names each field
    RateLimited             too many requests: repeat after `retry_after`
    ModelUnavailable        the model takes no orders now
    Unavailable             the service cannot answer now: repeat after `retry_after`
    ServerError             a fault of the service: give the operator the `request_id`
  ConnectionFailed          no answer
  NoAnswer                  the Redis door did not answer in time; the order may have been accepted
  WaitTimeout               the generation has not ended in time, and goes on
  GenerationFailed          the generation ended without a result: `generation.outcome` says why
  DamagedFile               the bytes of a download are not those of the result
  InvalidWebhook            a webhook that Reelworks did not sign, or an old one
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
from pydantic import BaseModel

if TYPE_CHECKING:
    from reelworks_client.models import Generation


class ReelworksError(Exception):
    """The root of all errors of this package."""


class FieldProblem(BaseModel):
    """A wrong field of a request."""

    field: str
    """The name, such as `requests.3.aspect_ratio`."""
    message: str
    """The rule that the value breaks."""
    allowed: list[Any] | None = None
    """The allowed values, where there are few."""


class ApiError(ReelworksError):
    """The service refused a request. Subclasses stand for families of codes."""

    codes: ClassVar[frozenset[str]] = frozenset()
    statuses: ClassVar[frozenset[int]] = frozenset()
    is_transient: ClassVar[bool] = False
    """Whether the same request may succeed later. Clients repeat such requests by themselves."""

    def __init__(
        self, problem: Mapping[str, Any], request_id: str | None = None, retry_after: float | None = None
    ) -> None:
        # The arguments of an exception are all that pickle keeps.
        super().__init__(problem, request_id, retry_after)
        self.problem = problem
        """The whole document (RFC 9457), with further members of some codes."""
        self.status = int(problem.get("status", 0))
        """The HTTP status."""
        self.code = str(problem.get("code", ""))
        """The stable code, for programs. Empty if a server in front of the gateway answered."""
        self.detail = str(problem.get("detail", ""))
        """The reason and the remedy, for people."""
        self.request_id = request_id or problem.get("request_id")
        """The id of the request. The operator finds the request by this id."""
        self.retry_after = problem.get("retry_after") if retry_after is None else retry_after
        """Seconds after which the request may be repeated. None: the service names no time."""

    def __str__(self) -> str:
        said = f"{self.code or f'HTTP {self.status}'}: {self.detail}"
        return f"{said} (request {self.request_id})" if self.request_id else said

    @property
    def errors(self) -> list[FieldProblem]:
        """The wrong fields of the request."""
        return [FieldProblem.model_validate(each) for each in self.problem.get("errors") or []]

    @classmethod
    def of(
        cls, problem: Mapping[str, Any], request_id: str | None = None, retry_after: float | None = None
    ) -> "ApiError":
        """The error of a problem: by its code, or by its status where this package does not know the code."""
        by_code = [family for family in cls.__subclasses__() if problem.get("code") in family.codes]
        by_status = [family for family in cls.__subclasses__() if problem.get("status") in family.statuses]
        return next(iter([*by_code, *by_status, cls]))(problem, request_id, retry_after)


class Unauthenticated(ApiError):
    """The API key is wrong, expired or revoked."""

    codes = frozenset({"unauthenticated", "key_expired", "key_revoked", "signature_invalid"})
    statuses = frozenset({401})


class InsufficientCredits(ApiError):
    """The customer has too few credits. No generation was made."""

    codes = frozenset({"insufficient_credits"})
    statuses = frozenset({402})

    @property
    def credits_needed(self) -> int:
        """The price."""
        return int(self.problem.get("credits_needed", 0))

    @property
    def credits_available(self) -> int:
        """The customer's free credits."""
        return int(self.problem.get("credits_available", 0))


class DailyCapReached(ApiError):
    """The API key has spent as much as it may today (UTC)."""

    codes = frozenset({"daily_cap_reached"})


class QuotaReached(ApiError):
    """A limit of the customer or of the API key has no room, and nothing was ordered. Repeat after `retry_after`."""

    codes = frozenset({"quota_reached"})

    @property
    def limit(self) -> str:
        """The limit: `in_flight`, `per_day` or `credits_per_day`."""
        return str(self.problem.get("limit", ""))


class Forbidden(ApiError):
    """The API key may not do this."""

    codes = frozenset({"insufficient_scope", "other_customer", "not_for_this_key", "storage_quota_exceeded"})
    statuses = frozenset({403})


class NotFound(ApiError):
    """There is no such thing, or another customer has it."""

    codes = frozenset({"not_found"})
    statuses = frozenset({404})


class Conflict(ApiError):
    """The state does not allow the request."""

    codes = frozenset(
        {"not_ready", "no_result", "not_finished", "not_cancellable", "too_many_shares", "variant_not_ready"}
    )
    statuses = frozenset({409})


class Gone(ApiError):
    """The thing existed once, or the request came after its time."""

    codes = frozenset({"model_retired", "generation_deleted", "asset_expired", "expired"})
    statuses = frozenset({410})


class InvalidRequest(ApiError):
    """The request is wrong. `errors` names each field."""

    codes = frozenset({"invalid_request", "idempotency_mismatch", "not_continuable", "bad_request"})
    statuses = frozenset({400, 405, 413, 415, 416, 422, 431})


class RateLimited(ApiError):
    """Too many requests in a minute, or at one time."""

    codes = frozenset({"rate_limited", "too_many_requests"})
    statuses = frozenset({429})
    is_transient = True


class ModelUnavailable(ApiError):
    """The model takes no orders now. `problem["successor"]` may name another model."""

    codes = frozenset({"model_paused", "no_sandbox", "cost_above_price"})


class Unavailable(ApiError):
    """The service, or a server in front of the service, cannot answer now."""

    codes = frozenset({"unavailable", "request_timeout", "overloaded"})
    statuses = frozenset({408, 502, 503, 504})
    is_transient = True


class ServerError(ApiError):
    """A fault of the service."""

    codes = frozenset({"internal"})
    statuses = frozenset({500})
    is_transient = True


class ConnectionFailed(ReelworksError):
    """No answer: the service was not reachable, or the connection was cut."""

    is_transient: ClassVar[bool] = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after)
        self.retry_after = retry_after
        """Seconds after which the request may be repeated. None: the service names no time."""

    def __str__(self) -> str:
        return str(self.args[0])


class NoAnswer(ReelworksError):
    """The Redis door did not answer in time.

    An order may have been accepted. Send the order again with the same `idempotency_key`.
    """

    def __init__(self, message: str, idempotency_key: str | None = None) -> None:
        super().__init__(message, idempotency_key)
        self.idempotency_key = idempotency_key
        """The key of the order. None: the request was no order."""

    def __str__(self) -> str:
        return str(self.args[0])


class WaitTimeout(ReelworksError):
    """The generation or the batch has not ended in time, and goes on. Wait again, or cancel."""

    def __init__(self, id: str, seconds: float | None) -> None:  # noqa: A002 - the name in the API
        super().__init__(id, seconds)
        self.id = id
        """The id of the generation or of the batch."""

    def __str__(self) -> str:
        return f"{self.id} has not ended within {self.args[1]} seconds, and goes on"


class GenerationFailed(ReelworksError):
    """The generation failed or was cancelled."""

    def __init__(self, generation: "Generation") -> None:
        super().__init__(generation)
        self.generation = generation
        """The generation. Its `outcome` and `error` say why, and whether the same order may succeed."""

    def __str__(self) -> str:
        outcome = self.generation.outcome
        return f"{self.generation.id} {self.generation.status}: {outcome.message if outcome else 'no result'}"


class DamagedFile(ReelworksError):
    """The bytes of a download are not those of the result."""


class InvalidWebhook(ReelworksError):
    """The webhook has no valid signature, or is too old or too new."""


def error_of(response: httpx.Response, body: bytes) -> ApiError:
    """The error of an HTTP response."""
    try:
        document = httpx.Response(response.status_code, content=body).json()
    except ValueError:
        document = None
    # A server in front of the gateway answers with its page, which is no problem document.
    problem = document if isinstance(document, dict) else {"detail": response.reason_phrase}
    return ApiError.of(
        {"status": response.status_code, **problem},
        response.headers.get("X-Request-ID"),
        _seconds(response.headers.get("Retry-After")),
    )


def _seconds(text: str | None) -> float | None:
    """The seconds of `Retry-After`, which is a number or a time."""
    if not text:
        return None
    if text.isdecimal():
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None
