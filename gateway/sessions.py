"""The session of a request: what the cookie stands for."""

from fastapi import Request

from gateway import session_cookie, views
from gateway.cross_site import require_own_page
from gateway.dependencies import GatewayServices
from schemas.enums import Door
from schemas.errors import Unauthenticated
from schemas.settings import Settings
from storage import sessions
from storage.sessions import SignedIn

# The doors that the page uses. Programs use the others.
_BEGINNINGS = ("/v1/", "/video/", "/image/", "/api/")


async def of_request(request: Request) -> SignedIn | None:
    """The session of a request without an API key in a header. None: the request has no session.

    Raises:
        CrossSiteRequest, CsrfTokenMissing: the request may come from a page of a stranger.
        Unauthenticated: the session has ended.
        ViewIsReadOnly: the session views a customer, and the request changes something.
    """
    services: GatewayServices = request.app.state.services
    token = session_cookie.token_of(request)
    if not token or not _takes_sessions(request, services.settings):
        return None
    require_own_page(request, token, services.settings)
    found = await resume(token, services)
    views.require_read(found, request)
    return found


async def resume(token: str, services: GatewayServices) -> SignedIn:
    """The session of a token, in use now.

    Raises:
        Unauthenticated: the session has ended.
    """
    idle = services.settings.studio.idle
    found = await services.loop_database.statement(lambda sql: sessions.find(sql, token, idle=idle))
    if found is None:
        raise Unauthenticated("this session has ended: sign in again")
    services.session_use.note(found.id)
    return found


def _takes_sessions(request: Request, settings: Settings) -> bool:
    return Door.STUDIO not in settings.doors_off and request.scope["path"].startswith(_BEGINNINGS)
