"""What the wires that OpenAI left to others have in common: how they refuse a call, and how they list things.

Source: `resources/` and `types/` of https://github.com/openai/openai-python. Gateways differ in what they take and
leave out, so of an answer only what is needed must be there.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from providers.account import Account
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


class Problem(Payload):
    """What `error` holds."""

    message: str | None = None
    type: str | None = None
    code: str | int | None = None


class _Refusal(Payload):
    """The answer of a refused call."""

    error: Problem


class _Page(Payload):
    """A page of a list."""

    data: list[JsonValue]


def to_error(account: Account, reply: Reply, things: str, *, prompt: str = "") -> ProviderError:
    """The error of an answer without what was asked for: by OpenAI's words first, then by the HTTP status.

    Args:
        things: what was to be made: "videos".
        prompt: what no text may repeat.
    """
    provider, problem = reply.call.provider, _problem(reply)
    if problem.type == QUOTA_TYPE:
        return ProviderQuotaExceeded(f"{provider} says that our account is empty (HTTP {reply.status})")
    if reply.status == _NOT_FOUND and reply.call.is_create:
        # Not the order is wrong: the gateway has given up the path, or the model.
        return ProviderUnavailable(f"{provider} serves no such {things} (HTTP 404)")
    if problem.code == MODERATION_CODE:
        text = f"{provider} refused it by its content policy (HTTP {reply.status})"
        error: ProviderError = ProviderRejected(text, code=ErrorCode.CONTENT_REJECTED)
    else:
        error = reply.unreadable()
    if type(error) is not ProviderRejected or not problem.message:
        return error
    text = account.quotable(problem.message, prompt=prompt)
    return ProviderRejected(f"{error.message}: {text}", code=error.code)


def check(account: Account, things: str, *, params: Mapping[str, str] | None = None) -> AccountState:
    """Ask for a list, which costs nothing.

    Args:
        things: what is listed, as the path has it: "videos".

    Raises: as `Provider.check` does.
    """
    reply = account.call("check", "GET", f"/{things}", params=params)
    if reply.status == _NOT_FOUND:
        text = f"{reply.call.provider} has no {things} at this address, which mostly ends with /v1 (HTTP 404)"
        raise ProviderRejected(text)
    if not reply.is_success:
        raise to_error(account, reply, things)
    try:
        _Page.model_validate_json(reply.content)
    except ValidationError:
        raise reply.unreadable() from None
    return AccountState()


def _problem(reply: Reply) -> Problem:
    """What a refused call was answered with, if it is in OpenAI's words."""
    try:
        return _Refusal.model_validate_json(reply.content).error if reply.status >= _BAD_REQUEST else Problem()
    except ValidationError:
        return Problem()
