"""Parses the web addresses that customers, vendors and hosts supply."""

import re
from typing import Final

import httpx

# A name of the DNS, or an address of either kind. httpx escapes other characters and takes the host all the same.
_HOST: Final = re.compile(rb"[A-Za-z0-9._~-]+|[0-9A-Fa-f:.]+")


def web_url(text: str, *, base: httpx.URL | None = None) -> httpx.URL:
    """A parsed URL.

    Args:
        base: the URL that a relative `text` belongs to.

    Raises:
        httpx.InvalidURL: the text is no http or https URL with a host.
    """
    url = httpx.URL(text) if base is None else base.join(text)
    if url.scheme not in {"http", "https"} or not _has_host(url):
        raise httpx.InvalidURL("not an http or https URL with a host")
    return url


def _has_host(url: httpx.URL) -> bool:
    try:
        # httpx decodes Punycode here, and not while it parses.
        is_name = bool(url.host)
    except UnicodeError:
        return False
    return is_name and _HOST.fullmatch(url.raw_host) is not None
