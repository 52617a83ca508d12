"""The development customer: made once on each development system, with whom a newcomer begins."""

from uuid import UUID

from sqlmodel import Session

from schemas.customer_tables import Customer
from schemas.enums import Scope
from storage import customers, ledger
from storage.alone import alone
from storage.api_keys import Owner, Terms
from storage.sql import of, returns

NAME = "development"
CREDITS = 10_000

SCOPES = tuple(scope for scope in Scope if scope is not Scope.GRANT)
"""Every scope that a customer's key may have."""

_KEY_NAME = "Studio on this machine"

_KEY = returns(UUID)("""
    SELECT id FROM api_keys
    WHERE customer_id = %(customer_id)s AND name = %(name)s AND scopes @> %(scopes)s::text[] AND NOT is_test
      AND revoked_at IS NULL AND coalesce(expires_at > clock_timestamp(), true)
    ORDER BY created_at LIMIT 1
""")


def ensure_customer(session: Session) -> Customer:
    """The development customer. The first call makes the customer, with credits."""
    # Two first sign-ins at once make one customer and one key.
    alone(of(session), "development customer")
    customer = customers.find_customer(session, NAME) or customers.create_customer(session, NAME)
    ledger.grant(session, customer.id, CREDITS, reference="first run")
    return customer


def ensure_key_of_page(session: Session) -> UUID:
    """The id of the key for sign-ins without a key. The key itself is stored nowhere."""
    customer = ensure_customer(session)
    found = of(session).first(_KEY, customer_id=customer.id, name=_KEY_NAME, scopes=list(SCOPES))
    if found is not None:
        return found
    return customers.create_key_of(session, Owner(customer.id), Terms(name=_KEY_NAME, scopes=SCOPES)).row.id
