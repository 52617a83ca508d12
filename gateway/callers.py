"""The caller of a request: the API key, and the customer for whom the request acts."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import Request
from sqlmodel import Session

from gateway.dependencies import GatewayServices
from gateway.head import READS
from gateway.rate_limits import ALLOWANCE
from intake.orders import Payer
from schemas.enums import Scope
from schemas.errors import (
    InsufficientScope,
    InvalidRequest,
    KeyExpired,
    KeyRevoked,
    NotFound,
    OtherCustomer,
    Unauthenticated,
)
from schemas.identity_api import CUSTOMER_HEADER, LONGEST_NAME
from schemas.tables import Customer
from schemas.text import shown
from storage import api_keys, customers
from storage.api_keys import Owner
from storage.customers import ActingCustomer, Authenticated, KnownKey
from storage.ledger import Spender


@dataclass(frozen=True)
class Caller:
    """The sender of a request."""

    key: KnownKey
    """The API key of the request."""
    named: ActingCustomer | None
    """The customer for whom the request acts. None: a key of a service or the operator, and no name."""
    live_id: UUID | None
    """The live customer. A test key acts for this customer's test customer."""

    @property
    def customer(self) -> ActingCustomer:
        """The customer for whom the request acts.

        Raises:
            InvalidRequest: the key acts for many customers, and the request names none.
        """
        if self.named is None:
            problem = "is missing: this key acts for many customers, so each request names one"
            raise InvalidRequest.of_fields([(CUSTOMER_HEADER, problem)])
        return self.named

    @property
    def scopes(self) -> frozenset[Scope]:
        """What the key allows."""
        return self.key.scopes

    @property
    def is_test(self) -> bool:
        """Whether the key is a test key."""
        return self.key.is_test

    @property
    def owner(self) -> Owner:
        """The owner of the keys that the request manages: the customer, or without a name the owner of the key."""
        return self.key.owner if self.live_id is None else Owner(self.live_id)

    @property
    def payer(self) -> Payer:
        """Who orders, and who pays."""
        spender = Spender(self.key.spends_as, self.key.daily_cap)
        return Payer(self.customer.id, is_test=self.key.is_test, spender=spender)


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
    if named is not None and not is_name(named):
        problem = f"must be 1 to {LONGEST_NAME} visible characters, with plain spaces between them"
        raise InvalidRequest.of_fields([(CUSTOMER_HEADER, problem)])
    if named is not None and found.key.owner.customer_id is not None:
        _require_own(found, named)
    elif named is not None and found.customer is None:
        makes = request.method == "POST" and scope in {Scope.GENERATE, Scope.GRANT}
        return await services.loop_database.transaction(lambda session: _made(session, found, named, makes=makes))
    return Caller(found.key, found.customer, found.live_id)


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
    if found is None:
        raise Unauthenticated("this API key is unknown")
    _require_valid(found.key)
    if scope not in found.key.scopes:
        raise InsufficientScope(scope)
    return found


def named_in_header(request: Request) -> str | None:
    """The customer whom the header names. Clients send UTF-8, and the server reads Latin-1."""
    header = request.headers.get(CUSTOMER_HEADER)
    if header is None or header.isascii():
        return header
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header


def is_name(text: str) -> bool:
    """Whether a text may name a customer. The database gets no other text."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and not text.isspace()


def _require_valid(key: KnownKey) -> None:
    if key.is_revoked:
        raise KeyRevoked("this API key was revoked: use another key")
    if key.is_expired:
        raise KeyExpired("this API key has ended: use another key")


def _require_own(found: Authenticated, named: str) -> None:
    """A customer's key may repeat its customer's id, and names no other."""
    own = {str(found.live_id), str(found.customer and found.customer.id)}
    if named.lower() not in own:
        raise OtherCustomer(f"this API key acts for one customer only: leave {CUSTOMER_HEADER} and `customer_id` out")


def _made(session: Session, found: Authenticated, named: str, *, makes: bool) -> Caller:
    """The caller for a customer who is missing: a new customer of a service, or the test customer of a known one."""
    live_id, service_id = found.live_id, found.key.owner.service_id
    if live_id is None and service_id is not None and found.key.makes_customers and makes:
        live_id = customers.ensure_customer_of(session, service_id, named)
    if live_id is None:
        raise NotFound(f"you have no customer {shown(named)}")
    acting_id = customers.ensure_test_customer(session, live_id) if found.key.is_test else live_id
    customer = session.get_one(Customer, acting_id)
    return Caller(found.key, ActingCustomer(customer.id, customer.name), live_id)
