"""Views of customers, for support: they only read, and the history of changes tells what they show."""

from uuid import UUID

from fastapi import Request
from sqlmodel import Session

from gateway.dependencies import GatewayServices
from gateway.head import READS
from gateway.measured import template
from gateway.problems import ViewIsReadOnly
from intake.callers import Caller, caller_of, is_missing, made, require_name, require_working
from schemas.enums import Scope
from schemas.errors import NotForThisKey, NotFound, OtherCustomer
from schemas.identity_api import CUSTOMER_HEADER
from schemas.text import shown
from storage import sessions
from storage.admission_control import Reason
from storage.customers import ActingCustomer, Authenticated, KnownKey, authenticate_hash
from storage.sessions import SignedIn, View
from storage.sql import of

_VIEW_FIRST = "a session sees a customer by PUT /v1/session/customer"


async def begin_view(services: GatewayServices, session: SignedIn, key: KnownKey, named: str, reason: str) -> None:
    """Let a session view a customer.

    Args:
        named: the customer, as the key names customers.

    Raises:
        NotForThisKey: the key is a customer's.
        NotFound: the key's owner has no such customer.
    """
    if key.owner.customer_id is not None:
        raise NotForThisKey("keys of services and of the operator view customers: this key has one customer only")
    require_name(named, "customer_id")
    why = Reason(_author(key), reason)

    def begin(orm: Session) -> None:
        found = require_working(authenticate_hash(of(orm), session.key_hash, named))
        viewed = made(orm, found, named, makes=False) if is_missing(found) else caller_of(found, named)
        sessions.begin_view(of(orm), session.id, named, viewed.customer.id, why)

    await services.loop_database.transaction(begin)


def require_read(session: SignedIn, request: Request) -> None:
    """Require that a session which views a customer only reads, and reads no secret of the customer.

    Raises:
        ViewIsReadOnly: the request changes something, or shows a secret.
    """
    if session.view is None:
        return
    # A read that needs more than the scope of reads shows a secret.
    is_secret = request.state.scope is Scope.GENERATE
    if request.method not in READS or is_secret:
        raise ViewIsReadOnly(
            "this session views a customer: it changes nothing and sees no secret. End the view first with DELETE "
            "/v1/session/customer"
        )


def acting_for(session: SignedIn, named: str | None) -> str | None:
    """The name of the customer for whom a request of a session acts. None: the key decides.

    Raises:
        OtherCustomer: the session views a customer, and the request names another one.
    """
    if session.view is None:
        return named
    if named not in {None, session.view.named}:
        raise OtherCustomer("this session views another customer: end the view first, or leave the customer out")
    return session.view.named


def require_view(session: SignedIn, found: Authenticated, request: Request, named: str | None) -> None:
    """Require that a session of a service's or the operator's key reads, and sees customers by a view alone.

    A view is written down. Acts by a session would be written down as acts of the key.

    Raises:
        ViewIsReadOnly: the request changes something.
        OtherCustomer: the request names a customer without a view.
    """
    if found.key.owner.customer_id is not None:
        return
    if request.method not in READS:
        raise ViewIsReadOnly(
            "a session of this key only reads: to change something, send the key as `Authorization: Bearer rw_…`"
        )
    if named is not None and session.view is None:
        raise OtherCustomer(f"{_VIEW_FIRST}: leave {CUSTOMER_HEADER} and `customer_id` out")


def require_viewed(request: Request, caller: Caller) -> UUID | None:
    """The one customer whom a request of an operator's key may see. None: the request has the key, and sees all.

    Raises:
        OtherCustomer: the request has a session, which views no customer.
    """
    if not isinstance(request.state.proof, SignedIn):
        return None
    if request.state.proof.view is None:
        raise OtherCustomer(_VIEW_FIRST)
    return caller.customer.id


async def require_same(request: Request, session: SignedIn, view: View, customer: ActingCustomer) -> None:
    """Require that the name of a view still leads to the customer whose view was written down. Else the view ends.

    Raises:
        NotFound: the name is another customer's now.
    """
    if customer.id == view.customer_id:
        return
    services: GatewayServices = request.app.state.services
    await services.loop_database.statement(lambda sql: sessions.end_view(sql, session.id))
    raise NotFound(
        f"the viewed customer was deleted, and {shown(view.named)} is another customer now: begin a new view"
    )


async def note_seen(request: Request, view: View, key: KnownKey) -> None:
    """Write down what a view shows, before the view shows it."""
    services: GatewayServices = request.app.state.services
    kind = f"{request.method} {template(request.scope)}"
    await services.loop_database.statement(lambda sql: sessions.note_seen(sql, view, _author(key), kind))


def _author(key: KnownKey) -> str:
    return f"key {key.prefix}"
