"""The table of sessions stays small, and sign-ins meet no deadlock."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import Session

from schemas.enums import SweepKind
from schemas.errors import Unauthenticated
from schemas.setting_groups import RetentionSettings
from storage import sessions
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of
from storage.sweeps import base, sweep
from tests.support import NewCustomer, new_customer, until_sessions_wait

DAY = timedelta(days=1)
KEY = text("SELECT id FROM api_keys WHERE customer_id = :id")


def key_id(session: Session, customer: NewCustomer) -> UUID:
    found: UUID = session.execute(KEY, {"id": customer.id}).scalar_one()
    return found


def sign_in(database: Database, customer: NewCustomer, earlier: str | None = None) -> str:
    """Begin a session with the customer's key, as a browser that may have an earlier session."""
    with database.transaction() as session:
        key = key_id(session, customer)
        return sessions.begin(of(session), key, lasts=DAY, is_development=False, earlier=earlier)


def test_a_sign_in_waits_for_the_deletion_of_its_key_without_a_deadlock(
    database: Database, customer: NewCustomer
) -> None:
    token = sign_in(database, customer)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            key = key_id(session, customer)
            session.execute(text("SELECT FROM api_keys WHERE id = :id FOR UPDATE"), {"id": key})
            beginning = pool.submit(sign_in, database, customer, token)
            until_sessions_wait(database, 1)
            session.execute(text("DELETE FROM api_keys WHERE id = :id"), {"id": key})
        with pytest.raises(Unauthenticated):
            beginning.result()


def test_a_key_has_so_many_sessions_and_the_oldest_end(
    database: Database, customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST", 3)
    others = sign_in(database, new_customer(database, 0))
    tokens = [sign_in(database, customer) for _ in range(5)]

    assert [token in tokens[2:] for token in tokens] == [_is_known(database, token) for token in tokens]
    assert _is_known(database, others)
    # The new session takes the place of the browser's earlier one.
    tokens.append(sign_in(database, customer, tokens[4]))
    assert [_is_known(database, token) for token in tokens[2:]] == [True, True, False, True]


def _is_known(database: Database, token: str) -> bool:
    with database.statement() as sql:
        return sessions.find(sql, token, idle=DAY) is not None


def test_a_sweep_removes_sessions_that_ended(
    database: Database, objects: ObjectStore, customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "SLICE", 2)
    used, *idle, over = (sign_in(database, customer) for _ in range(5))
    for tokens, change in ((idle, "used_at = now() - interval '13 hours'"), ([over], "ends_at = now()")):
        for token in tokens:
            hashed = hashlib.sha256(token.encode()).hexdigest()
            with database.statement() as sql:
                sql.run(f"UPDATE studio_sessions SET {change} WHERE token_hash = %(hashed)s", hashed=hashed)

    def count(hours: int, *, is_dry: bool = False) -> int:
        idle = timedelta(hours=hours)
        (swept,) = sweep(
            database, objects, RetentionSettings(), session_idle=idle, kinds=[SweepKind.SESSIONS], is_dry=is_dry
        )
        return swept.total.count

    assert (count(14), count(12, is_dry=True), count(12), count(12)) == (1, 3, 3, 0)
    assert _is_known(database, used)
