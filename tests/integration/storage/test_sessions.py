"""The table of sessions stays small, and sign-ins meet no deadlock."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import Session

from schemas.errors import Unauthenticated
from storage import sessions
from storage.database import Database
from storage.sql import of
from tests.support import NewCustomer, until_sessions_wait

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
