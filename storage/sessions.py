"""Sessions of the Studio page: their tokens, their lives, their views of customers. Only a token's hash is stored."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4, uuid5

from schemas.errors import Unauthenticated
from storage.admission_control import Reason
from storage.sql import Sql, returns

# A token has 32 random bytes. A flood of other texts must not reach the database.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

MOST: Final = 50
"""The sessions of a key. The oldest end, so a loop of sign-ins fills no table."""


class View(NamedTuple):
    """A view of a customer, which only reads."""

    id: UUID
    """The id of its entry in the history of changes."""
    customer_id: UUID
    """The customer. A later customer may have the same name."""
    named: str
    """The customer, as the key names customers."""
    since: datetime
    """The beginning of the view."""


class SignedIn(NamedTuple):
    """A session that has not ended. Its key may have."""

    id: UUID
    """The session's id."""
    key_hash: str
    """The API key of the sign-in, as its stored form."""
    is_development: bool
    """Whether this is a sign-in without a key, as the development customer."""
    expires_at: datetime
    """The end, if nothing more happens."""
    view: View | None
    """The customer whom the session views. None: the session acts for its key."""


def begin(sql: Sql, key_id: UUID, *, lasts: timedelta, is_development: bool, earlier: str | None = None) -> str:
    """Insert a session. Returns its token, which nothing can show again. The key's oldest sessions beyond `MOST` end.

    Args:
        earlier: the token of the session that ends, of the same browser.

    Raises:
        Unauthenticated: the key was removed meanwhile.
    """
    token = secrets.token_urlsafe(32)
    # The key's lock comes first, as in the deletion of a customer. Else the two would meet in a deadlock.
    begun = sql.first(
        _BEGIN, id=uuid4(), token_hash=_hashed(token), key_id=key_id, lasts=lasts, is_development=is_development
    )  # fmt: skip
    if begun is None:
        raise Unauthenticated("this API key is unknown")
    sql.run(
        _MAKE_ROOM, id=begun, key_id=key_id, most=MOST - 1,
        earlier_hash=None if earlier is None else _hashed(earlier),
    )  # fmt: skip
    return token


def find(sql: Sql, token: str, *, idle: timedelta) -> SignedIn | None:
    """The session of a token. None: there is none, or the session has ended.

    Args:
        idle: the time without use after which a session has ended.
    """
    return sql.first(_FIND, token_hash=_hashed(token), idle=idle) if _TOKEN.fullmatch(token) else None


def end(sql: Sql, token: str) -> None:
    """Remove the session of a token, if there is one."""
    sql.run(_END, token_hash=_hashed(token))


def note_use(sql: Sql, session_ids: Iterable[UUID]) -> None:
    """Record that sessions were used now."""
    sql.run(_NOTE_USE, ids=list(session_ids))


def begin_view(sql: Sql, session_id: UUID, named: str, customer_id: UUID, why: Reason) -> None:
    """Let a session view a customer, and write the view into the history of changes.

    Args:
        named: the customer, as the key names customers.
    """
    view_id = uuid4()
    sql.run(_BEGIN_VIEW, id=session_id, view_id=view_id, customer_id=customer_id, named=named)
    sql.run(
        _RECORD, id=view_id, author=why.author, customer_id=customer_id, reason=why.text, view_id=view_id, request=None
    )  # fmt: skip


def end_view(sql: Sql, session_id: UUID) -> None:
    """End the view of a session."""
    sql.run(_END_VIEW, id=session_id)


def note_seen(sql: Sql, view: View, author: str, request: str) -> None:
    """Write into the history of changes what a view shows. The same kind of read of a view is one entry.

    Args:
        request: the kind of read: method and path, with names in place of parameters.
    """
    entry_id = uuid5(view.id, f"{view.customer_id} {request}")
    sql.run(
        _RECORD, id=entry_id, author=author, customer_id=view.customer_id, reason=None, view_id=view.id, request=request
    )  # fmt: skip


def _hashed(token: str) -> str:
    # A token has 256 random bits, so a plain hash is safe, and an index can find the hash.
    return hashlib.sha256(token.encode()).hexdigest()


def _signed_in(
    session_id: UUID, key_hash: str, is_development: bool, expires_at: datetime, *view: Any
) -> SignedIn:  # fmt: skip
    return SignedIn(session_id, key_hash, is_development, expires_at, None if view[0] is None else View(*view))


_BEGIN = returns(UUID)("""
    INSERT INTO studio_sessions (id, token_hash, key_id, is_development, ends_at)
    SELECT %(id)s, %(token_hash)s, id, %(is_development)s, clock_timestamp() + %(lasts)s
    FROM api_keys WHERE id = %(key_id)s FOR KEY SHARE
    RETURNING id
""")

# The order of locks is that of `_NOTE_USE`.
_MAKE_ROOM = """
    WITH beyond AS (
        SELECT id FROM studio_sessions WHERE key_id = %(key_id)s AND id <> %(id)s
          AND token_hash IS DISTINCT FROM %(earlier_hash)s
        ORDER BY created_at DESC, id OFFSET %(most)s
    )
    DELETE FROM studio_sessions WHERE id IN (
        SELECT id FROM studio_sessions WHERE token_hash = %(earlier_hash)s OR id IN (SELECT id FROM beyond)
        ORDER BY id FOR UPDATE
    )
"""

_FIND = returns(_signed_in)("""
    SELECT one.id, key.key_hash, one.is_development, least(one.used_at + %(idle)s::interval, one.ends_at),
           one.view_id, one.viewed_id, one.viewed, one.viewed_since
    FROM studio_sessions AS one JOIN api_keys AS key ON key.id = one.key_id
    WHERE one.token_hash = %(token_hash)s
      AND least(one.used_at + %(idle)s::interval, one.ends_at) > clock_timestamp()
""")

_END = "DELETE FROM studio_sessions WHERE token_hash = %(token_hash)s"

# The order of locks keeps two gateways from a deadlock.
_NOTE_USE = """
    UPDATE studio_sessions SET used_at = clock_timestamp()
    WHERE id IN (SELECT id FROM studio_sessions WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE)
"""

_BEGIN_VIEW = """
    UPDATE studio_sessions SET
        view_id = %(view_id)s, viewed_id = %(customer_id)s, viewed = %(named)s, viewed_since = clock_timestamp()
    WHERE id = %(id)s
"""

_END_VIEW = """
    UPDATE studio_sessions SET view_id = NULL, viewed_id = NULL, viewed = NULL, viewed_since = NULL WHERE id = %(id)s
"""

_RECORD = """
    INSERT INTO studio_views (id, author, customer_id, reason, view_id, request)
    VALUES (%(id)s, %(author)s, %(customer_id)s, %(reason)s, %(view_id)s, %(request)s)
    ON CONFLICT (id) DO NOTHING
"""
