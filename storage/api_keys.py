"""API keys: whose they are, what they allow, and their lives. Only a key's hash is stored."""

import hashlib
import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypedDict
from uuid import UUID, uuid4

from sqlalchemy import func, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from schemas.customer_tables import ApiKey
from schemas.enums import DEFAULT_SCOPES, Scope
from schemas.errors import InvalidRequest, NotFound
from schemas.lists import Position
from schemas.quotas import OnLimit
from storage import lists, quota_settings
from storage.generations import database_now
from storage.key_rules import LIMITS, exceeds, is_limited, limits, require_one_limit, require_within
from storage.lists import Page
from storage.sql import Sql, of, returns

_LIVE, _TEST = "rw_", "rw_test_"
# A key has 32 random bytes. A flood of other texts must not reach the database.
_KEY = re.compile(r"rw_(test_)?[A-Za-z0-9_-]{43}")
_SHOWN_CHARACTERS = 5


class Owner(NamedTuple):
    """The owner of keys: a customer, a service, or the operator, who has neither id."""

    customer_id: UUID | None = None
    """The customer."""
    service_id: UUID | None = None
    """The service."""

    def __str__(self) -> str:
        """The owner in words."""
        if self.customer_id is not None:
            return f"customer {self.customer_id}"
        return "the operator" if self.service_id is None else f"service {self.service_id}"


OPERATOR = Owner()


@dataclass(frozen=True)
class Terms:
    """What a new key allows."""

    name: str | None = None
    """The use of the key, for people."""
    scopes: Collection[Scope] = DEFAULT_SCOPES
    """The scopes."""
    is_test: bool = False
    """Whether the key acts for test customers."""
    makes_customers: bool = False
    """Whether a service's key makes a customer at the first use of an unknown reference."""
    daily_cap: int | None = None
    """The credits that the key may spend on one day. None: no cap."""
    in_flight: int | None = None
    """The most generations of the key at the same time. None: no limit."""
    per_day: int | None = None
    """The most generations of the key on one day. None: no limit."""
    on_limit: OnLimit = OnLimit.REJECT
    """What happens to an order over a limit or the cap."""
    expires_in: timedelta | None = None
    """The time to the end of the key. None: the key has no end."""


class Changes(TypedDict, total=False):
    """New terms of a key. A term that is left out stays as it is."""

    name: str | None
    """The use of the key, for people. None: no name."""
    daily_cap: int | None
    """The credits that the key may spend on one day. None: no cap."""
    in_flight: int | None
    """The most generations of the key at the same time. None: no limit."""
    per_day: int | None
    """The most generations of the key on one day. None: no limit."""
    on_limit: OnLimit
    """What happens to an order over a limit or the cap."""
    expires_in: timedelta | None
    """The time from now to the end of the key. None: the key has no end."""


@dataclass(frozen=True)
class NewKey:
    """A new key with its material, which nothing can show again."""

    row: ApiKey
    """The stored key."""
    material: str
    """The text that requests carry."""


def has_form(key: str) -> bool:
    """Whether a text has the form of a key."""
    return _KEY.fullmatch(key) is not None


def hashed(key: str) -> str:
    """The stored form of a key."""
    # A key has 256 random bits, so a plain hash is safe, and an index can find the hash.
    return hashlib.sha256(key.encode()).hexdigest()


def prefix(key: str) -> str:
    """A key's first characters. They identify the key to people and give no access."""
    kind = _TEST if key.startswith(_TEST) else _LIVE
    return key[: len(kind) + _SHOWN_CHARACTERS]


def hashes_of(sql: Sql, shown: str) -> list[str]:
    """The stored forms of the keys that begin with these characters, as `prefix` gives them."""
    return sql.all(_HASHES, prefix=shown)


_HASHES = returns(str)("SELECT key_hash FROM api_keys WHERE prefix = %(prefix)s")


def create(session: Session, owner: Owner, terms: Terms = Terms(), *, maker: ApiKey | None = None) -> NewKey:
    """Make a key. The caller checks that the owner exists.

    Args:
        maker: the key that makes the new one over HTTP. The new key allows no more than its maker. None: an operator
            makes the key by command.

    Raises:
        InvalidRequest: such an owner has no such keys, or the maker allows less.
    """
    _require_sense(owner, terms)
    row = ApiKey(
        id=uuid4(), customer_id=owner.customer_id, service_id=owner.service_id, prefix="", key_hash="", name=terms.name,
        scopes=sorted(terms.scopes), is_test=terms.is_test, makes_customers=terms.makes_customers,
        daily_cap=terms.daily_cap, in_flight=terms.in_flight, per_day=terms.per_day, on_limit=terms.on_limit,
    )  # fmt: skip
    if terms.expires_in is not None:
        row.expires_at = database_now(session) + terms.expires_in
    if maker is not None:
        require_within(row, maker)
        if limits(maker, row):
            # The orders of both keys count together.
            row.spends_as = maker.spends_as or maker.id
    return _issued(session, row)


def rotate(
    session: Session,
    row: ApiKey,
    *,
    ends_in: timedelta,
    expires_in: timedelta | None = None,
    maker: ApiKey | None = None,
) -> NewKey:
    """Make a key that allows the same, and end the first key after a time. Both keys work until then.

    Args:
        row: the key to replace.
        maker: the key that asks for the rotation over HTTP, as in `create`.
        ends_in: the time in which the first key still works.
        expires_in: the time to the end of the new key. None: the end of the first key, as it was set.

    Raises:
        InvalidRequest: the key has ended, or was rotated before, or the maker allows less.
    """
    now = _valid_at(session, row)
    if row.replaced_by is not None:
        raise InvalidRequest(f"the key {row.prefix} was rotated before: rotate the key that replaced it")
    same = row.model_dump(include=_KEPT_BY_ROTATION)
    new = ApiKey(**same, id=uuid4(), prefix="", key_hash="", spends_as=row.spends_as or row.id)
    new.expires_at = row.expires_at if expires_in is None else now + expires_in
    if maker is not None:
        require_within(new, maker)
        require_one_limit(row, maker)
    issued = _issued(session, new)
    row.replaced_by, row.expires_at = new.id, min(now + ends_in, row.expires_at or now + ends_in)
    session.add(row)
    return issued


_KEPT_BY_ROTATION = {
    "customer_id", "service_id", "name", "scopes", "is_test", "makes_customers", "on_limit", *LIMITS,
}  # fmt: skip


def change(session: Session, row: ApiKey, changes: Changes, *, maker: ApiKey | None = None) -> None:
    """Change the terms of a key.

    Args:
        row: the key, locked.
        maker: the key that asks for the change over HTTP. A key takes from every key of its owner, and gives no more
            than `create` would give. None: an operator changes the key by command.

    Raises:
        InvalidRequest: the key has ended, or the maker allows less.
    """
    now = _valid_at(session, row)
    changed = ApiKey(**row.model_dump())
    for name in _CHANGEABLE & changes.keys():
        setattr(changed, name, changes[name])  # type: ignore[literal-required]  # a term by its name
    if "expires_in" in changes:
        changed.expires_at = None if changes["expires_in"] is None else now + changes["expires_in"]
    gives = any(exceeds(getattr(changed, name), getattr(row, name)) for name in (*LIMITS, "expires_at"))
    if maker is not None and gives:
        require_within(changed, maker)
        require_one_limit(row, maker)
    for name in (*_CHANGEABLE, "expires_at"):
        setattr(row, name, getattr(changed, name))
    session.add(row)
    if not is_limited(row):
        return
    quota_settings.adopt_of_key(of(session), row.id, row.spends_as or row.id)


_CHANGEABLE = {"name", "on_limit", *LIMITS}


def listed(
    session: Session, owner: Owner, after: Position | None, *, limit: int, only_test: bool = False
) -> Page[ApiKey]:
    """One page of an owner's keys. `only_test`: without the live keys."""
    return lists.read(session, ApiKey, _of(owner, only_test=only_test), after, limit=limit)


def find(session: Session, owner: Owner, key_id: UUID, *, only_test: bool = False) -> ApiKey:
    """A key of an owner, locked.

    Raises:
        NotFound: the owner has no such key.
    """
    found = _locked(session, _of(owner, only_test=only_test).where(ApiKey.id == key_id))
    if not found:
        raise NotFound(f"you have no key {key_id}")
    return found[0]


def named(session: Session, owner: Owner | None, key_or_prefix: str) -> Sequence[ApiKey]:
    """The live keys that match a key or its first characters, locked. None: of every owner."""
    is_meant = or_(col(ApiKey.key_hash) == hashed(key_or_prefix), col(ApiKey.prefix) == key_or_prefix)
    theirs = select(ApiKey) if owner is None else _of(owner)
    found = _locked(session, theirs.where(is_meant, col(ApiKey.revoked_at).is_(None)))
    return [row for row in found if row.revoked_at is None]


def _locked(session: Session, wanted: SelectOfScalar[ApiKey]) -> Sequence[ApiKey]:
    """Keys, locked with the keys under which they count. All locks of keys are taken in the order of their ids."""
    ids = session.execute(wanted.with_only_columns(col(ApiKey.id), col(ApiKey.spends_as))).all()
    meant = {key_id for key_id, _ in ids}
    together = select(ApiKey).where(col(ApiKey.id).in_({one for pair in ids for one in pair if one is not None}))
    locked = session.exec(together.order_by(col(ApiKey.id)).with_for_update()).all()
    return [row for row in locked if row.id in meant]


def revoke(session: Session, row: ApiKey) -> None:
    """End a key now. A revoked key stays as it is."""
    if row.revoked_at is None:
        row.revoked_at = func.now()  # type: ignore[assignment]  # the database's clock
        session.add(row)
        session.flush()
        session.refresh(row)


def note_use(sql: Sql, key_ids: Iterable[UUID]) -> None:
    """Record that keys were used now."""
    sql.run(_NOTE_USE, ids=list(key_ids))


# The order of locks keeps two gateways from a deadlock.
_NOTE_USE = """
    UPDATE api_keys SET last_used_at = clock_timestamp()
    WHERE id IN (SELECT id FROM api_keys WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE)
"""


def _of(owner: Owner, *, only_test: bool = False) -> SelectOfScalar[ApiKey]:
    # None compares as IS NULL, which has an index, as IS NOT DISTINCT FROM has not.
    theirs = select(ApiKey).where(ApiKey.customer_id == owner.customer_id, ApiKey.service_id == owner.service_id)
    return theirs.where(col(ApiKey.is_test)) if only_test else theirs


def _issued(session: Session, row: ApiKey) -> NewKey:
    material = (_TEST if row.is_test else _LIVE) + secrets.token_urlsafe(32)
    row.prefix, row.key_hash = prefix(material), hashed(material)
    session.add(row)
    session.flush()
    session.refresh(row)
    return NewKey(row, material)


def _require_sense(owner: Owner, terms: Terms) -> None:
    if not terms.scopes:
        raise InvalidRequest.of_fields([("scopes", "must have at least one entry")])
    if owner.customer_id is not None and Scope.GRANT in terms.scopes:
        problem = f"a customer's key cannot have `{Scope.GRANT}`: only keys of services and of the operator"
        raise InvalidRequest.of_fields([("scopes", problem)])
    if terms.makes_customers and owner.service_id is None:
        raise InvalidRequest.of_fields([("makes_customers", "is for keys of services only")])


def _valid_at(session: Session, row: ApiKey) -> datetime:
    """The time now, at which the key works.

    Raises:
        InvalidRequest: the key has ended.
    """
    now = database_now(session)
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise InvalidRequest(f"the key {row.prefix} has ended: make a new key")
    return now
