"""The caller of an HTTP request: the API key, and the customer for whom the request acts."""

from dataclasses import replace

from fastapi import Request

from gateway import views
from gateway.dependencies import GatewayServices
from gateway.head import READS
from gateway.rate_limits import ALLOWANCE
from intake.callers import Caller, caller_of, is_missing, is_name, made, require_name, require_valid
from schemas.enums import Scope
from schemas.errors import Unauthenticated
from schemas.identity_api import CUSTOMER_HEADER
from storage import api_keys
from storage.customers import Authenticated, KnownKey, authenticate, authenticate_hash
from storage.sessions import SignedIn

Proof = str | SignedIn | None
"""What a request proves its sender with: an API key, or a session. None: nothing."""


async def identify(request: Request, proof: Proof, scope: Scope, in_body: str | None = None) -> Caller:
    """The caller of a request, in one statement.

    Args:
        proof: the API key of the request, or the session of its cookie.
        in_body: the customer whom the body names. None: the header decides.

    Raises:
        Unauthenticated: there is no key, or the key is unknown, was revoked, or has ended.
        InsufficientScope: the key lacks the scope.
        RateLimited: the key has sent as many requests as it may.
        OtherCustomer: the key acts for another customer, or its session names one without a view.
        ViewIsReadOnly: the session of a service's or the operator's key changes something.
        NotFound: the key's owner has no such customer.
        InvalidRequest: the name is no text of a customer.
    """
    services: GatewayServices = request.app.state.services
    named = in_body or named_in_header(request)
    if isinstance(proof, SignedIn):
        named = views.acting_for(proof, named)
    found = require_valid(await key_of(services, proof, named), scope)
    if isinstance(proof, SignedIn):
        views.require_view(proof, found, request, named)
    if in_body is None:
        await count(request, found.key)
    require_name(named, CUSTOMER_HEADER)
    caller = await _caller(request, found, named, scope)
    if isinstance(proof, SignedIn) and proof.view is not None:
        await views.require_same(request, proof, proof.view, caller.customer)
        await views.note_seen(request, proof.view, found.key)
        return replace(caller, named=caller.customer._replace(is_viewed=True))
    return caller


async def key_of(services: GatewayServices, proof: Proof, named: str | None = None) -> Authenticated | None:
    """The key of a request, which may have ended. None: the key is unknown.

    Raises:
        Unauthenticated: the request has neither key nor session.
    """
    # The key is judged first. The database gets no text that is no name.
    name = named if named is not None and is_name(named) else None
    match proof:
        case SignedIn(key_hash=key_hash):
            return await services.loop_database.statement(lambda sql: authenticate_hash(sql, key_hash, name))
        case str() if proof and api_keys.has_form(proof):
            return await services.loop_database.statement(lambda sql: authenticate(sql, proof, name))
        case str() if proof:
            # No connection is taken: a flood of other texts costs little.
            return None
        case _:
            raise Unauthenticated("send your API key as `Authorization: Bearer rw_…` or as `X-API-Key: rw_…`")


async def count(request: Request, key: KnownKey) -> None:
    """Count a request of a key. A request counts once, before its body is read and before it makes a customer.

    Raises:
        RateLimited: the key has sent as many requests as it may.
    """
    services: GatewayServices = request.app.state.services
    services.key_use.note(key.id)
    is_read = request.method in READS
    request.scope["state"][ALLOWANCE] = await services.rate_limits.take(key.id, is_read=is_read)


async def _caller(request: Request, found: Authenticated, named: str | None, scope: Scope) -> Caller:
    """The caller, for a customer who may be missing."""
    if named is None or not is_missing(found):
        return caller_of(found, named)
    services: GatewayServices = request.app.state.services
    makes = request.method == "POST" and scope in {Scope.GENERATE, Scope.GRANT}
    return await services.loop_database.transaction(lambda session: made(session, found, named, makes=makes))


def named_in_header(request: Request) -> str | None:
    """The customer whom the header names. Clients send UTF-8, and the server reads Latin-1."""
    header = request.headers.get(CUSTOMER_HEADER)
    if header is None or header.isascii():
        return header
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header
