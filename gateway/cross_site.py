"""Keeps pages of other origins from acting by a session's cookie (CSRF).

`SameSite=Strict` keeps the cookie out of requests of other sites. A page of the same site, such as one on another port
of this host, still has the cookie: the checks here stop it. Both hold alone.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from urllib.parse import urlsplit

from fastapi import Request

from gateway.head import READS
from gateway.origins import own_origins
from gateway.problems import CrossSiteRequest, CsrfTokenMissing
from schemas.settings import Settings

HEADER = "X-CSRF-Token"

_SAFE = READS | {"OPTIONS"}


def csrf_token(session_token: str) -> str:
    """The token that requests of the session carry beside the cookie.

    The token follows from the secret in the cookie, and the secret does not follow from it. So nothing stores it.
    """
    digest = hmac.digest(session_token.encode(), b"reelworks csrf", hashlib.sha256)
    return urlsafe_b64encode(digest).decode().rstrip("=")


def require_own_page(request: Request, session_token: str, settings: Settings) -> None:
    """Require that a request by the cookie which changes something comes from our page.

    Raises:
        CrossSiteRequest: a page of another origin sent the request.
        CsrfTokenMissing: the request lacks the session's token, or has another one.
    """
    if request.method in _SAFE:
        return
    require_same_origin(request, settings)
    given = request.headers.get(HEADER, "")
    if not hmac.compare_digest(given.encode(), csrf_token(session_token).encode()):
        state = "is not the one of this session" if given else "is missing"
        raise CsrfTokenMissing(f"{HEADER} {state}: send `csrf_token` of GET /v1/session, or an API key in a header")


def require_same_origin(request: Request, settings: Settings) -> None:
    """Require that no page of another origin sent a request. Programs send neither header.

    Raises:
        CrossSiteRequest: a page of another origin sent it.
    """
    # No script can set `Sec-Fetch-Site`, and no proxy changes the header.
    site = request.headers.get("sec-fetch-site")
    is_own = _comes_from_us(request, settings) if site is None else site == "same-origin"
    if not is_own:
        raise CrossSiteRequest(
            "a page of another origin sent this request: pages elsewhere send an API key in a header"
        )


def _comes_from_us(request: Request, settings: Settings) -> bool:
    origin, host = request.headers.get("origin"), request.headers.get("host")
    return origin is None or origin in own_origins(settings) or urlsplit(origin).netloc == host
