"""The parts that OpenAI's image and video APIs share, as compatible gateways serve them: refusals and lists.

Source: `resources/` and `types/` of https://github.com/openai/openai-python. Gateways differ in the fields that they
take and return, so only the fields that Reelworks needs are required.
"""

import re
from collections.abc import Mapping
from typing import ClassVar, Final

from pydantic import JsonValue

from providers.adapters.payload import Lenient, Payload, texts
from providers.adapters.vendor_adapter import Told, VendorAdapter
from providers.base import AccountState
from providers.http.calls import Reply
from schemas.enums import ErrorCode
from schemas.limits import Refusal
from schemas.provider_errors import (
    ProviderError,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)

# Observed for images: the second is of the older models. No documentation says that videos have the same codes.
MODERATION_CODES: Final = frozenset({"moderation_blocked", "content_policy_violation"})

# An error type; its codes name the exceeded limit. The status is 429, as for a rate limit, but waiting does not help:
# https://learn.microsoft.com/en-us/microsoft-cloud/dev/dev-proxy/concepts/openai-insufficient-quota
QUOTA_TYPE: Final = "insufficient_quota"
# An error code, with HTTP 400: the account's own limit of spending (https://github.com/dfinke/PowerShellAI/issues/127).
BILLING_CODE: Final = "billing_hard_limit_reached"
# "Rate limit reached for … on requests per day (RPD): Limit 200, Used 200", with HTTP 429
# (https://github.com/feder-cr/invisible_playwright_mcp/issues/109). Other texts name minutes.
_DAILY: Final = re.compile(r"\bper day\b", re.IGNORECASE)

_NOT_FOUND = 404
_NO_SUCH_PATH = "Not Found"


class ErrorBody(Payload):
    """The content of `error`."""

    message: str = ""
    type: Lenient[str] = None
    code: Lenient[str] = None

    @classmethod
    def of(cls, error: JsonValue) -> "ErrorBody":
        """The content of an `error` that can also be a text or a list."""
        named = error if isinstance(error, dict) else {}
        return cls(message="; ".join(texts(error)), type=named.get("type"), code=named.get("code"))


class _Refusal(Payload):
    """The answer of a refused call. Gateways on FastAPI name the error `detail`: a text, or a list of objects."""

    error: JsonValue = None
    detail: JsonValue = None
    message: JsonValue = None


class _Page(Payload):
    """A page of a list."""

    data: list[JsonValue]


class OpenAIAdapter(VendorAdapter):
    """An account at an OpenAI-compatible gateway. Its base URL is the one that OpenAI's client takes."""

    things: ClassVar[str]
    """The kind of result, for messages: "videos"."""

    def _error(self, reply: Reply) -> ProviderError:
        """OpenAI's error type and code decide first, then the HTTP status."""
        provider, body = reply.call.provider, _error_body(reply)
        if body.type == QUOTA_TYPE or body.code in {QUOTA_TYPE, BILLING_CODE}:
            return ProviderQuotaExceeded(f"{provider} says that our account is empty (HTTP {reply.status})")
        if reply.status == _NOT_FOUND and reply.call.is_create:
            # The gateway no longer serves the path or the model. The order is not at fault.
            return ProviderUnavailable(f"{provider} serves no such {self.things} (HTTP 404)")
        if body.code in MODERATION_CODES:
            text = f"{provider} refused it by its content policy (HTTP {reply.status})"
            text = f"{text}: {body.message}" if body.message else text
            return ProviderRejected(text, code=ErrorCode.CONTENT_REJECTED)
        error = super()._error(reply)
        if isinstance(error, ProviderRateLimited) and _DAILY.search(body.message):
            text = f"{provider} says that the day's requests of our account are used up (HTTP {reply.status})"
            return ProviderRateLimited(text, retry_after=error.retry_after, refusal=Refusal.DAILY)
        return error

    def _told(self, reply: Reply) -> Told | None:
        return Told(_error_body(reply).message)

    def _check_list(self, path: str, *, params: Mapping[str, str] | None = None) -> AccountState:
        """Check the account by reading a list, which costs nothing. Raises as `Provider.check` does."""
        reply = self._account.call("check", "GET", path, params=params)
        if reply.status == _NOT_FOUND:
            text = f"{self.name} has no {path.strip('/')} at this address, which mostly ends with /v1 (HTTP 404)"
            raise ProviderRejected(text)
        self._answer(reply, _Page)
        return AccountState()


def says_not_found(reply: Reply) -> bool:
    """Whether the server itself answers that it does not know the thing.

    A web page does not count, nor FastAPI's "Not Found" for a path that no server has.
    """
    return reply.status == _NOT_FOUND and _error_body(reply).message not in {"", _NO_SUCH_PATH}


def _error_body(reply: Reply) -> ErrorBody:
    """The error in an answer; an empty one if the answer has another form."""
    refusal = reply.read(_Refusal)
    return ErrorBody() if refusal is None else ErrorBody.of(refusal.error or refusal.detail or refusal.message)
