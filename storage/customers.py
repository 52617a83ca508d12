"""Customers, the services that act for some of them, and the authentication of requests."""

from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from schemas.customer_tables import ApiKey, Customer
from schemas.enums import Scope
from schemas.errors import InvalidRequest, NotFound
from schemas.identity_tables import Service
from schemas.quotas import OnLimit, Quota
from storage import api_keys, ledger
from storage.api_keys import NewKey, Owner, Terms
from storage.sql import Sql, returns

TEST_CREDITS = 1_000_000_000
"""The credits that each test customer gets once. They buy results of the sandbox."""


class KnownKey(NamedTuple):
    """The API key of a request."""

    id: UUID
    """The key's id."""
    owner: Owner
    """The owner."""
    prefix: str
    """The key's first characters."""
    scopes: frozenset[Scope]
    """What the key allows."""
    is_test: bool
    """Whether the key acts for test customers."""
    makes_customers: bool
    """Whether the key makes a customer at the first use of an unknown reference."""
    quota: Quota
    """The limits of the key. `credits_per_day` is its daily cap."""
    spends_as: UUID
    """The id under which the key's spending counts."""
    is_revoked: bool
    """Whether the key was revoked."""
    is_expired: bool
    """Whether the key has ended."""


class ActingCustomer(NamedTuple):
    """The customer for whom a request acts. A row of the ORM would cost each request more than its statement."""

    id: UUID
    """The customer's id."""
    name: str
    """The customer's name."""
    is_viewed: bool = False
    """Whether support views the customer. The request then counts as no use by the customer."""


class Authenticated(NamedTuple):
    """A known key, and the customer for whom the request acts."""

    key: KnownKey
    """The key."""
    customer: ActingCustomer | None
    """The customer. None: no customer of this name, or the request of a service or the operator names none."""
    live_id: UUID | None
    """The live customer. For a test key, this is the customer whose test customer acts."""


def create_customer(session: Session, name: str) -> Customer:
    """Insert a customer with empty accounts."""
    customer = Customer(name=name)
    session.add(customer)
    session.flush()
    ledger.open_accounts(session, customer.id)
    return customer


def create_service(session: Session, name: str) -> Service:
    """Insert a service.

    Raises:
        InvalidRequest: another service has this name.
    """
    statement = insert(Service).values(id=uuid4(), name=name).on_conflict_do_nothing().returning(col(Service.id))
    inserted = session.execute(statement).scalar_one_or_none()
    if inserted is None:
        raise InvalidRequest.of_fields([("name", "is taken: another service has this name")])
    return session.get_one(Service, inserted)


def find_customer(session: Session, name: str) -> Customer | None:
    """The oldest live customer of this name."""
    mine = select(Customer).where(
        Customer.name == name, col(Customer.test_of).is_(None), col(Customer.deleted_at).is_(None)
    )
    return session.exec(mine.order_by(col(Customer.created_at))).first()


def require_owner(session: Session, owner: Owner) -> None:
    """Require that a customer or a service exists.

    Raises:
        NotFound: there is no such owner.
    """
    if owner.customer_id is not None:
        customer = session.get(Customer, owner.customer_id)
        if customer is None or customer.deleted_at is not None or customer.test_of is not None:
            raise NotFound(f"there is no {owner}")
    if owner.service_id is not None and session.get(Service, owner.service_id) is None:
        raise NotFound(f"there is no {owner}")


def create_api_key(session: Session, customer_id: UUID, terms: Terms = Terms()) -> str:  # noqa: B008 -- frozen
    """Make an API key for a customer. Only the key's hash is stored, so the key cannot be shown again.

    Raises: as `create_key_of` does.
    """
    return create_key_of(session, Owner(customer_id), terms).material


def create_key_of(session: Session, owner: Owner, terms: Terms, *, maker_id: UUID | None = None) -> NewKey:
    """Make an API key, and the test customer of a customer's test key.

    Args:
        maker_id: the key that makes the new one over HTTP, as in `api_keys.create`.

    Raises:
        NotFound: there is no such owner.
        InvalidRequest: such an owner has no such keys, or the maker allows less.
    """
    require_owner(session, owner)
    if terms.is_test and owner.customer_id is not None:
        ensure_test_customer(session, owner.customer_id)
    maker = None if maker_id is None else session.get_one(ApiKey, maker_id)
    return api_keys.create(session, owner, terms, maker=maker)


def revoke_api_keys(session: Session, customer_id: UUID, key_or_prefix: str) -> int:
    """Revoke the customer's live keys that match a key or its first characters. Returns the number of keys."""
    keys = api_keys.named(session, Owner(customer_id), key_or_prefix)
    for key in keys:
        api_keys.revoke(session, key)
    return len(keys)


def ensure_customer_of(session: Session, service_id: UUID, reference: str) -> UUID:
    """The id of a service's customer. Inserts the customer with empty accounts if there is none."""
    new = uuid4()
    if _insert(session, id=new, name=reference, service_id=service_id, reference=reference):
        return new
    theirs = select(Customer.id).where(Customer.service_id == service_id, Customer.reference == reference)
    return session.exec(theirs).one()


def ensure_test_customer(session: Session, customer_id: UUID) -> UUID:
    """The id of a customer's test customer. Inserts the test customer with `TEST_CREDITS` if there is none."""
    found = session.exec(select(Customer.id).where(Customer.test_of == customer_id)).one_or_none()
    if found is not None:
        return found
    new = uuid4()
    if not _insert(session, id=new, name=session.get_one(Customer, customer_id).name, test_of=customer_id):
        return ensure_test_customer(session, customer_id)
    ledger.grant(session, new, TEST_CREDITS, reference="test credits")
    return new


def _insert(session: Session, **values: object) -> bool:
    """Insert a customer with empty accounts. False if another transaction was first: its customer is visible now."""
    statement = insert(Customer).values(**values).on_conflict_do_nothing().returning(col(Customer.id))
    inserted: UUID | None = session.execute(statement).scalar_one_or_none()
    if inserted is None:
        return False
    ledger.open_accounts(session, inserted)
    return True


def is_test_customer(sql: Sql, customer_id: UUID) -> bool | None:
    """Whether a customer is a test customer, which never changes. None: there is no such customer."""
    return sql.first(_IS_TEST, customer_id=customer_id)


def authenticate(sql: Sql, key: str, named: str | None = None) -> Authenticated | None:
    """The key of a request, with all that the request needs to know of it.

    Args:
        named: the customer whom the request names: by the service's reference, or to the operator's key by our id.

    Returns:
        None if the key is unknown.
    """
    return authenticate_hash(sql, api_keys.hashed(key), named)


def authenticate_hash(sql: Sql, key_hash: str, named: str | None = None) -> Authenticated | None:
    """As `authenticate`, for a sender who has proved to know the key without sending the key."""
    return sql.first(_AUTHENTICATE, key_hash=key_hash, named=named, named_id=as_id(named))


def as_id(named: str | None) -> UUID | None:
    """The id that a text spells. None for any other text."""
    if named is None:
        return None
    try:
        return UUID(named)
    except ValueError:
        return None


@lru_cache
def _scopes(*names: str) -> frozenset[Scope]:
    # A later release may add scopes. Its keys work here without them.
    return frozenset(Scope(name) for name in names if name in set(Scope))


@lru_cache
def _quota(in_flight: int | None, per_day: int | None, daily_cap: int | None, on_limit: str) -> Quota:
    return Quota(in_flight=in_flight, per_day=per_day, credits_per_day=daily_cap, on_limit=OnLimit(on_limit))


def _authenticated(
    key_id: UUID, customer_id: UUID | None, service_id: UUID | None, prefix: str, scopes: list[str], *row: Any
) -> Authenticated:
    is_test, makes_customers, *limits, spends_as, is_revoked, is_expired, live_id, acting_id, name = row
    key = KnownKey(
        key_id, Owner(customer_id, service_id), prefix, _scopes(*scopes), is_test, makes_customers, _quota(*limits),
        spends_as, is_revoked, is_expired,
    )  # fmt: skip
    return Authenticated(key, None if acting_id is None else ActingCustomer(acting_id, name), live_id)


# `live` is the owner of the key, or the customer whom the request names. Only the id decides, and `coalesce` asks for a
# name only where the owner is no customer. A test key acts for the test customer of `live`.
_AUTHENTICATE = returns(_authenticated)("""
    SELECT key.id, key.customer_id, key.service_id, key.prefix, key.scopes,
           key.is_test, key.makes_customers, key.in_flight, key.per_day, key.daily_cap, key.on_limit,
           coalesce(key.spends_as, key.id),
           key.revoked_at IS NOT NULL, coalesce(key.expires_at <= clock_timestamp(), false),
           live.id, CASE WHEN key.is_test THEN test.id ELSE live.id END, live.name
    FROM api_keys AS key
    LEFT JOIN customers AS live ON live.deleted_at IS NULL AND live.id = coalesce(
        key.customer_id,
        (SELECT id FROM customers WHERE service_id = key.service_id AND reference = %(named)s::text),
        (SELECT id FROM customers WHERE key.service_id IS NULL AND test_of IS NULL AND id = %(named_id)s::uuid)
    )
    LEFT JOIN customers AS test ON test.test_of = CASE WHEN key.is_test THEN live.id END
    WHERE key.key_hash = %(key_hash)s
""")

_IS_TEST = returns(bool)("SELECT test_of IS NOT NULL FROM customers WHERE id = %(customer_id)s")
