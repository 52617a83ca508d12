"""What the wires that OpenAI left to others have in common: how they refuse a call, and how they list things.

Source: `resources/` and `types/` of https://github.com/openai/openai-python. Gateways differ in what they take and
leave out, so of an answer only what is needed must be there.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, JsonValue

from providers.adapters.vendor_adapter import Told, VendorAdapter
from providers.base import AccountState
from providers.http.calls import Reply
from schemas.enums import ErrorCode
from schemas.errors import ProviderError, ProviderQuotaExceeded, ProviderRejected, ProviderUnavailable

# Seen for images; that videos have the same is not documented.
MODERATION_CODE: Final = "moderation_blocked"

# A type, whose codes say which limit it was; under a 429, as too many requests are, but waiting does not help:
# https://learn.microsoft.com/en-us/microsoft-cloud/dev/dev-proxy/concepts/openai-insufficient-quota
QUOTA_TYPE: Final = "insufficient_quota"

_BAD_REQUEST = 400
_NOT_FOUND = 404


class Payload(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ErrorBody(Payload):
    """What `error` holds."""

    message: str | None = None
    type: str | None = None
    code: str | int | None = None


class _Refusal(Payload):
    """The answer of a refused call."""

    error: ErrorBody


class _Page(Payload):
    """A page of a list."""

    data: list[JsonValue]


class OpenAIAdapter(VendorAdapter):
    """An account at a gateway. Its address is the one that OpenAI's client would be given."""

    things: ClassVar[str]
    """What the wire makes: "videos"."""

    def _error(self, reply: Reply, *, prompt: str = "") -> ProviderError:
        """By OpenAI's words first, then by the HTTP status."""
        provider, body = reply.call.provider, _error_body(reply)
        if body.type == QUOTA_TYPE:
            return ProviderQuotaExceeded(f"{provider} says that our account is empty (HTTP {reply.status})")
        if reply.status == _NOT_FOUND and reply.call.is_create:
            # Not the order is wrong: the gateway has given up the path, or the model.
            return ProviderUnavailable(f"{provider} serves no such {self.things} (HTTP 404)")
        if body.code == MODERATION_CODE:
            told = self._account.quotable(body.message or "", reply, prompt=prompt)
            text = f"{provider} refused it by its content policy (HTTP {reply.status})"
            return ProviderRejected(f"{text}: {told}" if told else text, code=ErrorCode.CONTENT_REJECTED)
        return super()._error(reply, prompt=prompt)

    def _told(self, reply: Reply) -> Told | None:
        return Told(_error_body(reply).message or "")

    def _check_list(self, path: str, *, params: Mapping[str, str] | None = None) -> AccountState:
        """Ask for a list, which costs nothing. Raises as `Provider.check` does."""
        reply = self._account.call("check", "GET", path, params=params)
        if reply.status == _NOT_FOUND:
            text = f"{self.name} has no {path.strip('/')} at this address, which mostly ends with /v1 (HTTP 404)"
            raise ProviderRejected(text)
        self._answer(reply, _Page)
        return AccountState()


def _error_body(reply: Reply) -> ErrorBody:
    """What a refused call was answered with, if it is in OpenAI's words."""
    refusal = reply.read(_Refusal) if reply.status >= _BAD_REQUEST else None
    return ErrorBody() if refusal is None else refusal.error
