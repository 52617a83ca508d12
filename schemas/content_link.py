"""Signed links to results. The gateway checks them, or the operator's edge where a CDN delivers results.

The token signs all that stands between the base URL and `&t=`: `KEY?e=SECONDS`, or `KEY?e=SECONDS&n=NAME`.
"""

from collections.abc import Sequence
from urllib.parse import quote

from schemas import link_tokens

_PURPOSE = b""
"""The secret signs nothing else, so an edge needs no prefix."""

_OF_THE_GATEWAY = b"reelworks.file.v1"

_HOUR = 3600


def gateway_secret(secret_key: str) -> str:
    """The secret of links to the gateway, made from `Settings.secret_key`."""
    return link_tokens.sign(secret_key, _OF_THE_GATEWAY, b"")


def content_link(
    base_url: str, secret: str, object_key: str, *, now: float, saved_as: str | None, seconds: int = _HOUR
) -> str:
    """A link that works for `seconds`, and for up to an hour more. Links of the same hour are equal for caches.

    Args:
        base_url: the CDN's URL, or the gateway's with `/files`; without a trailing slash.
        secret: `CdnSettings.secret`, or `gateway_secret`.
        now: the time in Unix seconds.
        saved_as: the name under which a browser saves the file. None: the browser shows the file.
        seconds: the least time for which the link works. A short link works for at most twice its time.
    """
    step = min(_HOUR, seconds)
    expires = (int(now) // step + 1) * step + seconds
    signed = _signed(object_key, str(expires), saved_as)
    return f"{base_url}/{signed}&t={link_tokens.sign(secret, _PURPOSE, signed.encode())}"


def verify(secrets: Sequence[str], object_key: str, expires: str, saved_as: str | None, token: str) -> bool:
    """Whether the token is the one of the link. The time is for the caller to compare.

    Args:
        secrets: `CdnSettings.secret`, or `gateway_secret` of each of `Settings.accepted_keys`.
    """
    return link_tokens.verify(secrets, _PURPOSE, _signed(object_key, expires, saved_as).encode(), token)


def _signed(object_key: str, expires: str, saved_as: str | None) -> str:
    name = "" if saved_as is None else f"&n={quote(saved_as)}"
    return f"{quote(object_key)}?e={expires}{name}"
