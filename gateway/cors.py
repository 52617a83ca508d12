"""Lets pages of other origins call the API from a browser (CORS)."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

# The paths that a page may call: customers' doors, and the links to results without a key.
_BEGINNINGS = ("/v1/", "/openai/", "/video/", "/image/", "/api/", "/files/", "/mcp")

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

# The headers of answers that a script may read, beside those that browsers always show.
_EXPOSED = (
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Reelworks-Warning",
    "Retry-After",
    "X-Request-ID",
)

_SECONDS_TO_REMEMBER = 3600


class CrossOrigin:
    """ASGI middleware: answers preflights without a key, and marks the answers of the API for the given origins.

    A request carries its API key in a header. Answers never allow credentials, so the cookie of a session serves pages
    of our own origin only, and every header may be sent.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._with_cors = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=["*"],
            expose_headers=_EXPOSED,
            max_age=_SECONDS_TO_REMEMBER,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        is_ours = scope["type"] == "http" and scope["path"].startswith(_BEGINNINGS)
        await (self._with_cors if is_ours else self._app)(scope, receive, send)
