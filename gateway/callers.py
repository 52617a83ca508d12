"""The caller of an HTTP request: the API key, and the customer for whom the request acts."""

from fastapi import Request

from gateway.dependencies import GatewayServices
from gateway.head import READS
from gateway.rate_limits import ALLOWANCE
from intake.callers import Caller, caller_of, is_missing, is_name, made, require_name, require_valid
from schemas.enums import Scope
from schemas.errors import Unauthenticated
from schemas.identity_api import CUSTOMER_HEADER
from storage import api_keys, customers
from storage.customers import Authenticated


async def identify(request: Request, material: str | None, scope: Scope, in_body: str | None = None) -> Caller:
    """The caller of a request, in one statement.

    Args:
        material: the API key of the request.
        in_body: the customer whom the body names. None: the header decides.

    Raises:
        Unauthenticated: there is no key, or the key is unknown, was revoked, or has ended.
        InsufficientScope: the key lacks the scope.
        RateLimited: the key has sent as many requests as it may.
        OtherCustomer: the key acts for another customer.
        NotFound: the key's owner has no such customer.
        InvalidRequest: the name is no text of a customer.
    """
    services: GatewayServices = request.app.state.services
    named = in_body or named_in_header(request)
    found = await _authenticated(services, material, scope, named)
    services.key_use.note(found.key.id)
    if in_body is None:
        # A request counts once, before its body is read and before it makes a customer.
        is_read = request.method in READS
        request.scope["state"][ALLOWANCE] = await services.rate_limits.take(found.key.id, is_read=is_read)
    require_name(named, CUSTOMER_HEADER)
    if named is not None and is_missing(found):
        makes = request.method == "POST" and scope in {Scope.GENERATE, Scope.GRANT}
        return await services.loop_database.transaction(lambda session: made(session, found, named, makes=makes))
    return caller_of(found, named)


async def _authenticated(
    services: GatewayServices, material: str | None, scope: Scope, named: str | None
) -> Authenticated:
    """The key of a request, which is valid and has the scope."""
    if not material:
        raise Unauthenticated("send your API key as `Authorization: Bearer rw_…` or as `X-API-Key: rw_…`")
    # The key is judged first. The database gets no text that is no name.
    name = named if named is not None and is_name(named) else None
    found = None
    if api_keys.has_form(material):
        # Before a connection is taken: a flood of other texts costs little.
        found = await services.loop_database.statement(lambda sql: customers.authenticate(sql, material, name))
    return require_valid(found, scope)


def named_in_header(request: Request) -> str | None:
    """The customer whom the header names. Clients send UTF-8, and the server reads Latin-1."""
    header = request.headers.get(CUSTOMER_HEADER)
    if header is None or header.isascii():
        return header
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header
