"""Signed links to results at a CDN. The operator's edge, or the gateway behind the CDN, checks them.

The token signs all that stands between the base URL and `&t=`: `KEY?e=SECONDS`, or `KEY?e=SECONDS&n=NAME`.
"""

from urllib.parse import quote

from schemas import link_tokens

_PURPOSE = b""
"""The secret signs nothing else, so an edge needs no prefix."""

_HOUR = 3600


def content_link(base_url: str, secret: str, object_key: str, *, now: float, saved_as: str | None) -> str:
    """A link that works for one to two hours. Links of the same hour are equal, so caches know them.

    Args:
        base_url: the CDN's URL, without a trailing slash.
        secret: `CdnSettings.secret`.
        now: the time in Unix seconds.
        saved_as: the name under which a browser saves the file. None: the browser shows the file.
    """
    expires = (int(now) // _HOUR + 2) * _HOUR
    signed = _signed(object_key, str(expires), saved_as)
    return f"{base_url}/{signed}&t={link_tokens.sign(secret, _PURPOSE, signed.encode())}"


def verify(secret: str, object_key: str, expires: str, saved_as: str | None, token: str) -> bool:
    """Whether the token is the one of the link. The time is for the caller to compare."""
    return link_tokens.verify(secret, _PURPOSE, _signed(object_key, expires, saved_as).encode(), token)


def _signed(object_key: str, expires: str, saved_as: str | None) -> str:
    name = "" if saved_as is None else f"&n={quote(saved_as)}"
    return f"{quote(object_key)}?e={expires}{name}"
