"""`/v1/session`: the sign-in of the Studio page. An API key becomes a cookie that no script reads."""

from typing import Annotated, TypeVar

from fastapi import Depends, Request, Response
from sqlmodel import Session

from gateway import development_sign_in, session_cookie, sessions
from gateway.callers import count, key_of
from gateway.cross_site import csrf_token, require_own_page, require_same_origin
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import problems
from gateway.problems import CrossSiteRequest, CsrfTokenMissing
from gateway.routing import PrefixRouter
from gateway.views import begin_view
from intake.callers import require_valid, require_working
from schemas.customer_tables import ApiKey
from schemas.enums import Door, Scope
from schemas.errors import InsufficientScope, NotForThisKey, NotFound, Unauthenticated
from schemas.session_api import (
    NoSession,
    SessionCustomer,
    SessionKey,
    SessionRequest,
    SessionResource,
    SessionView,
    ViewRequest,
)
from schemas.settings import Settings
from storage import development
from storage import sessions as stored
from storage.customers import ActingCustomer, Authenticated, authenticate_hash
from storage.sessions import SignedIn
from storage.sql import Sql, of

PATH = "/v1/session"

R = TypeVar("R", SessionResource, NoSession)

router = PrefixRouter(prefix=PATH, tags=[Door.STUDIO])

_CHANGE_PROBLEMS = problems(Unauthenticated, CrossSiteRequest, CsrfTokenMissing)


async def _cookie(request: Request, services: ServicesOf) -> str | None:
    """The token of the request's cookie. A dependency runs before the body is judged.

    Raises:
        CrossSiteRequest, CsrfTokenMissing: the request may come from a page of a stranger.
    """
    token = session_cookie.token_of(request)
    if token:
        require_own_page(request, token, services.settings)
    return token


TheCookie = Annotated[str | None, Depends(_cookie)]


async def _token(token: TheCookie) -> str:
    """The token of a request that needs one.

    Raises:
        Unauthenticated: there is no cookie.
    """
    if not token:
        raise Unauthenticated("nobody is signed in here: POST /v1/session with your API key")
    return token


TheToken = Annotated[str, Depends(_token)]


@router.post(
    "",
    status_code=201,
    summary="Sign in",
    dependencies=[RequireJson],
    responses=BODY_PROBLEMS | problems(Unauthenticated, CrossSiteRequest),
)
async def begin_session(
    wanted: SessionRequest, request: Request, response: Response, services: ServicesOf
) -> SessionResource:
    """Begins a session and sets its cookie, which then authenticates requests of pages of this server.

    The session allows what the key allows, and ends with the key. A page that changes something sends `csrf_token` as
    `X-CSRF-Token`. On the machine of a development system, `{}` signs in as the development customer.
    """
    settings = services.settings
    require_same_origin(request, settings)
    if wanted.api_key is None:
        _require_development(request, settings)
        found = None
    else:
        found = require_working(await key_of(services, wanted.api_key.get_secret_value().strip()))
        await count(request, found.key)
    earlier = session_cookie.token_of(request)

    def begin(session: Session) -> tuple[str, SessionResource]:
        key_id = development.ensure_key_of_page(session) if found is None else found.key.id
        lasts = settings.studio.longest
        token = stored.begin(of(session), key_id, lasts=lasts, is_development=found is None, earlier=earlier)
        return token, _resource(session, settings, token)

    token, resource = await services.loop_database.transaction(begin)
    session_cookie.give(request, response, token, settings.studio)
    return _private(response, resource)


@router.get("", summary="See who is signed in")
async def get_session(
    request: Request, response: Response, token: TheCookie, services: ServicesOf
) -> SessionResource | NoSession:
    """Returns the session of the cookie, or that there is none: every visit of the page asks this first."""
    try:
        known = await _token(token)
        await _signed_in(request, known, services)
        return _private(response, await _read(services, known))
    except Unauthenticated:
        return _private(
            response, NoSession(development_sign_in=development_sign_in.is_possible(request, services.settings))
        )


@router.delete("", status_code=204, summary="Sign out", responses=_CHANGE_PROBLEMS)
async def end_session(request: Request, response: Response, token: TheCookie, services: ServicesOf) -> None:
    """Ends the session of the cookie, and removes the cookie."""
    if token:
        await services.loop_database.statement(lambda sql: stored.end(sql, token))
    session_cookie.take_away(request, response, services.settings.studio)


@router.put(
    "/customer",
    summary="View a customer, for support",
    dependencies=[RequireJson],
    responses=BODY_PROBLEMS | _CHANGE_PROBLEMS | problems(InsufficientScope, NotForThisKey, NotFound),
)
async def view_customer(
    wanted: ViewRequest, request: Request, response: Response, token: TheToken, services: ServicesOf
) -> SessionResource:
    """Lets every read of the session act for a customer, until the view ends. The session changes nothing meanwhile.

    For keys of the operator and of services with the scope `admin`. The history of changes gets an entry for the view,
    and one for each kind of read in the view.
    """
    session, found = await _signed_in(request, token, services)
    require_valid(found, Scope.ADMIN)
    await begin_view(services, session, found.key, wanted.customer_id, wanted.reason)
    return _private(response, await _read(services, token))


@router.delete("/customer", summary="End the view of a customer", responses=_CHANGE_PROBLEMS)
async def end_view(request: Request, response: Response, token: TheToken, services: ServicesOf) -> SessionResource:
    """Ends the view. The session acts for its key again."""
    session, _ = await _signed_in(request, token, services)
    await services.loop_database.statement(lambda sql: stored.end_view(sql, session.id))
    return _private(response, await _read(services, token))


async def _signed_in(request: Request, token: str, services: GatewayServices) -> tuple[SignedIn, Authenticated]:
    """The session of a token, and its key, which works.

    Raises:
        Unauthenticated: the session or its key has ended.
    """
    session = await sessions.resume(token, services)
    found = require_working(await key_of(services, session))
    await count(request, found.key)
    return session, found


async def _read(services: GatewayServices, token: str) -> SessionResource:
    return await services.loop_database.transaction(lambda session: _resource(session, services.settings, token))


def _resource(session: Session, settings: Settings, token: str) -> SessionResource:
    sql = of(session)
    known = stored.find(sql, token, idle=settings.studio.idle)
    if known is None:
        raise Unauthenticated("this session has ended: sign in again")
    found = require_working(authenticate_hash(sql, known.key_hash))
    row = session.get_one(ApiKey, found.key.id)
    return SessionResource(
        customer=_customer(found.customer),
        key=SessionKey(
            id=row.id, name=row.name, prefix=row.prefix, scopes=sorted(found.key.scopes), is_test=row.is_test
        ),
        csrf_token=csrf_token(token),
        viewing=_view(sql, known),
        expires_at=known.expires_at,
        development=known.is_development,
        credits_url=settings.credits_url or None,
    )


def _view(sql: Sql, session: SignedIn) -> SessionView | None:
    """The view of a session. The view of a customer who was deleted ends here, also when the name is in use again."""
    if session.view is None:
        return None
    found = authenticate_hash(sql, session.key_hash, session.view.named)
    viewed = _customer(found.customer) if found else None
    if viewed is None or viewed.id != session.view.customer_id:
        stored.end_view(sql, session.id)
        return None
    return SessionView(customer=viewed, since=session.view.since)


def _customer(customer: ActingCustomer | None) -> SessionCustomer | None:
    return None if customer is None else SessionCustomer(id=customer.id, name=customer.name)


def _private(response: Response, resource: R) -> R:
    """An answer about the session, which no cache keeps."""
    response.headers["Cache-Control"] = "no-store"
    return resource


def _require_development(request: Request, settings: Settings) -> None:
    """Require that the sender may sign in without a key.

    Raises:
        Unauthenticated: the sender may not.
    """
    if not development_sign_in.is_possible(request, settings):
        raise Unauthenticated(
            "send your API key as `api_key`: a sign-in without a key works only on the machine of a development "
            "system, at localhost"
        )
