"""The digests of this dialect's orders. OpenAI's clients send an order again by themselves, without a key."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request

from intake.callers import Caller
from intake.digests import Digest, value_of

RETRY_COUNT: Final = "x-stainless-retry-count"
"""The header in which OpenAI's clients say how often they have sent a request before."""

_MOST_DIGITS = 3


def digest_of(
    request: Request, operation: str, fields: Mapping[str, object], files: Mapping[str, str] | None = None
) -> Digest:
    """The digest of an order.

    Args:
        request: the HTTP request of a `customers_router`.
        operation: the name of the operation, such as `images.edit`.
        fields: the parsed fields, in values of JSON.
        files: the SHA-256 of each file, by the name of its field.
    """
    caller: Caller = request.state.caller
    value = value_of(operation, fields, files or {})
    return Digest(caller.key.spends_as, value, retry_count(request), request.state.arrived_at)


def retry_count(request: Request) -> int:
    """How often the client has sent the request before. 0 for a client that does not say."""
    text = request.headers.get(RETRY_COUNT, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0
