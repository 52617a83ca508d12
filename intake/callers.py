"""The caller of a request, at every door: the API key, and the customer for whom the request acts."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from intake.orders import Payer
from schemas.customer_tables import Customer
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
from schemas.text import shown
from storage import customers
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
        spender = Spender(self.key.spends_as, self.key.quota, self.key.id)
        return Payer(
            self.customer.id, is_test=self.key.is_test, spender=spender, may_use_reserve=Scope.PRIORITY in self.scopes
        )


def is_name(text: str) -> bool:
    """Whether a text may name a customer. The database gets no other text."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and not text.isspace()


def require_valid(found: Authenticated | None, scope: Scope) -> Authenticated:
    """The key of a request, which is valid and has the scope.

    Raises:
        Unauthenticated: the key is unknown, was revoked, or has ended.
        InsufficientScope: the key lacks the scope.
    """
    found = require_working(found)
    if scope not in found.key.scopes:
        raise InsufficientScope(scope)
    return found


def require_working(found: Authenticated | None) -> Authenticated:
    """The key of a request, which is valid.

    Raises:
        Unauthenticated: the key is unknown, was revoked, or has ended.
    """
    if found is None:
        raise Unauthenticated("this API key is unknown")
    if found.key.is_revoked:
        raise KeyRevoked("this API key was revoked: use another key")
    if found.key.is_expired:
        raise KeyExpired("this API key has ended: use another key")
    return found


def require_name(named: str | None, field: str) -> None:
    """Require that a name may be one of a customer.

    Args:
        field: the field of the request, or the header, that names the customer.

    Raises:
        InvalidRequest: the name has no characters or too many, or characters that cannot be seen.
    """
    if named is not None and not is_name(named):
        problem = f"must be 1 to {LONGEST_NAME} visible characters, with plain spaces between them"
        raise InvalidRequest.of_fields([(field, problem)])


def is_missing(found: Authenticated) -> bool:
    """Whether the customer whom the request names is not there yet, so that `made` may make the customer."""
    return found.customer is None and found.key.owner.customer_id is None


def caller_of(found: Authenticated, named: str | None) -> Caller:
    """The caller of a request.

    Raises:
        OtherCustomer: the key acts for another customer.
    """
    if named is not None and found.key.owner.customer_id is not None:
        _require_own(found, named)
    return Caller(found.key, found.customer, found.live_id)


def made(session: Session, found: Authenticated, named: str, *, makes: bool) -> Caller:
    """The caller for a customer who is missing: a new customer of a service, or the test customer of a known one.

    Args:
        makes: whether the request may make a customer of a service. The key must allow it, too.

    Raises:
        NotFound: the key's owner has no such customer.
    """
    live_id, service_id = found.live_id, found.key.owner.service_id
    if live_id is None and service_id is not None and found.key.makes_customers and makes:
        live_id = customers.ensure_customer_of(session, service_id, named)
    if live_id is None:
        raise NotFound(f"you have no customer {shown(named)}")
    acting_id = customers.ensure_test_customer(session, live_id) if found.key.is_test else live_id
    customer = session.get_one(Customer, acting_id)
    return Caller(found.key, ActingCustomer(customer.id, customer.name), live_id)


def _require_own(found: Authenticated, named: str) -> None:
    """A customer's key may repeat its customer's id, and names no other."""
    own = {str(found.live_id), str(found.customer and found.customer.id)}
    if named.lower() not in own:
        raise OtherCustomer(f"this API key acts for one customer only: leave {CUSTOMER_HEADER} and `customer_id` out")
