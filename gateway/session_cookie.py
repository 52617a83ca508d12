"""The cookie of a session. No script reads it, and browsers send it only with requests of our own pages."""

from fastapi import Request, Response

from schemas.studio_settings import StudioSettings

NAME = "reelworks_session"


def token_of(request: Request) -> str | None:
    """The token in the cookie of a request."""
    return request.cookies.get(NAME)


def give(request: Request, response: Response, token: str, settings: StudioSettings) -> None:
    """Set the cookie. The server ends the session earlier, if nothing uses it."""
    response.set_cookie(
        NAME, token, max_age=int(settings.longest.total_seconds()), path=settings.cookie_path,
        secure=_is_https(request), httponly=True, samesite="strict",
    )  # fmt: skip


def take_away(request: Request, response: Response, settings: StudioSettings) -> None:
    """Remove the cookie from the browser."""
    response.delete_cookie(
        NAME, path=settings.cookie_path, secure=_is_https(request), httponly=True, samesite="strict"
    )  # fmt: skip


def _is_https(request: Request) -> bool:
    """Whether the browser came by https. Behind a proxy, only the page's own origin tells."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
