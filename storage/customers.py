"""Customers and their API keys."""

import hashlib
import re
import secrets
from uuid import UUID

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from schemas.errors import NotFound
from schemas.tables import ApiKey, Customer
from storage import ledger
from storage.sql import Sql, returns

_KEY_PREFIX = "rw_"
# A key has 32 random bytes. A flood of other texts must not reach the database.
_KEY = re.compile(r"rw_[A-Za-z0-9_-]{43}")
_SHOWN_LENGTH = 8


def create_customer(session: Session, name: str) -> Customer:
    """Insert a customer with empty accounts."""
    customer = Customer(name=name)
    session.add(customer)
    session.flush()
    ledger.open_accounts(session, customer.id)
    return customer


def find_customer(session: Session, name: str) -> Customer | None:
    """The oldest customer of this name."""
    return session.exec(select(Customer).where(Customer.name == name).order_by(col(Customer.created_at))).first()


def create_api_key(session: Session, customer_id: UUID) -> str:
    """Make an API key for a customer. Only the key's hash is stored, so the key cannot be shown again.

    Raises:
        NotFound: there is no such customer.
    """
    if session.get(Customer, customer_id) is None:
        raise NotFound(f"there is no customer {customer_id}")
    key = _KEY_PREFIX + secrets.token_urlsafe(32)
    session.add(ApiKey(customer_id=customer_id, prefix=prefix(key), key_hash=_hash(key)))
    session.flush()
    return key


def prefix(key: str) -> str:
    """A key's first characters. They identify the key to people and give no access."""
    return key[:_SHOWN_LENGTH]


def revoke_api_keys(session: Session, customer_id: UUID, key_or_prefix: str) -> int:
    """Revoke the customer's live keys that match a key or its first 8 characters. Returns the number of keys."""
    is_meant = or_(col(ApiKey.key_hash) == _hash(key_or_prefix), col(ApiKey.prefix) == key_or_prefix)
    keys = session.exec(
        select(ApiKey).where(ApiKey.customer_id == customer_id, is_meant, col(ApiKey.revoked_at).is_(None))
    ).all()
    for key in keys:
        key.revoked_at = func.now()  # type: ignore[assignment]  # the database's clock
    return len(keys)


def authenticate(sql: Sql, key: str) -> Customer | None:
    """The customer with this live key. None if the key is unknown or revoked, or has not the form of a key."""
    if not _KEY.fullmatch(key):
        return None
    return sql.first(_AUTHENTICATE, key_hash=_hash(key))


_AUTHENTICATE = returns(lambda *row: Customer(id=row[0], name=row[1], created_at=row[2]))("""
    SELECT customers.id, customers.name, customers.created_at
    FROM api_keys JOIN customers ON customers.id = api_keys.customer_id
    WHERE key_hash = %(key_hash)s AND revoked_at IS NULL
""")


def _hash(key: str) -> str:
    # A key has 256 random bits, so a plain hash is safe, and an index can find the hash.
    return hashlib.sha256(key.encode()).hexdigest()
