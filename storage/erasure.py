"""Deletes customers: their keys, files, prompts, uploads and endpoints. The facts of the ledger stay, as do empty rows.

The deletion is recorded first. From then on, no key of the customer works and no door takes an order. Generations that
are unfinished then keep their inputs until they end. A sweep erases them later.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from schemas.enums import Stage
from schemas.errors import NotFound
from schemas.tables import Generation
from storage import transitions
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of, returns

_SLICE = 100

# Orders lock their customer's key. The lock waits for those under way, and then the statements below see them.
_LOCK = "SELECT FROM customers WHERE id = %(customer_id)s OR test_of = %(customer_id)s ORDER BY id FOR UPDATE"

# The test customer goes with its live customer.
_MARK = returns(UUID)("""
    UPDATE customers SET deleted_at = clock_timestamp(), name = '', reference = NULL
    WHERE (id = %(customer_id)s OR test_of = %(customer_id)s) AND deleted_at IS NULL
    RETURNING id
""")

_REMOVE_KEYS = "DELETE FROM api_keys WHERE customer_id = ANY(%(ids)s::uuid[])"

_END_ENDPOINTS = """
    UPDATE webhook_endpoints
    SET deleted_at = clock_timestamp(), url = '', secret = '', earlier_secret = NULL, description = NULL
    WHERE customer_id = ANY(%(ids)s::uuid[]) AND deleted_at IS NULL
"""

_WAITING = returns(UUID)(
    "SELECT id FROM customers WHERE deleted_at IS NOT NULL AND erased_at IS NULL ORDER BY deleted_at"
)

_REMOVE_UPLOADS = returns(str)("DELETE FROM uploads WHERE customer_id = %(customer_id)s RETURNING object_key")

# A sweep removes the endpoints later, with what their last events have made.
_REMOVE_MESSAGES = returns(int)("""
    WITH due AS (
        SELECT id FROM webhook_deliveries WHERE customer_id = %(customer_id)s LIMIT %(slice)s
    ), deleted AS (
        DELETE FROM webhook_deliveries USING due WHERE webhook_deliveries.id = due.id RETURNING 1
    )
    SELECT count(*) FROM deleted
""")

_ENDED = returns(UUID)("""
    SELECT id FROM generations
    WHERE customer_id = %(customer_id)s AND wake_at IS NULL AND deleted_at IS NULL
    LIMIT %(slice)s
""")

# The keys are texts of the customer, and the hash could confirm a guess of the prompt. No request repeats these orders.
_FORGET_REQUESTS = """
    UPDATE generations SET idempotency_key = NULL, request_hash = ''
    WHERE customer_id = %(customer_id)s AND deleted_at IS NOT NULL AND request_hash <> ''
"""

_ERASED = """
    UPDATE customers SET erased_at = clock_timestamp()
    WHERE id = %(customer_id)s
      AND NOT EXISTS (SELECT FROM generations WHERE customer_id = %(customer_id)s AND deleted_at IS NULL)
"""


def delete_customer(database: Database, objects: ObjectStore, customer_id: UUID) -> int:
    """Delete a customer, and erase all that has ended.

    Returns:
        The number of unfinished generations. A sweep erases them after their ends.

    Raises:
        NotFound: there is no such customer.
    """
    with database.transaction() as session:
        sql = of(session)
        sql.run(_LOCK, customer_id=customer_id)
        deleted = sql.all(_MARK, customer_id=customer_id)
        if not deleted:
            raise NotFound(f"there is no customer {customer_id}")
        sql.run(_REMOVE_KEYS, ids=deleted)
        sql.run(_END_ENDPOINTS, ids=deleted)
        _cancel_unsent(session, deleted)
    for one in deleted:
        for _ in erase_customer(database, objects, one):
            pass
    with database.transaction() as session:
        unfinished = select(Generation.id).where(
            col(Generation.customer_id).in_(deleted), col(Generation.wake_at).is_not(None)
        )
        return len(session.exec(unfinished).all())


def waiting(database: Database) -> Sequence[UUID]:
    """The deleted customers with data that is not erased yet."""
    with database.statement() as sql:
        return sql.all(_WAITING)


def erase_customer(database: Database, objects: ObjectStore, customer_id: UUID) -> Iterator[int]:
    """Erase the uploads, the messages and the ended generations of a deleted customer.

    Yields:
        The size in bytes of each removed file.
    """
    with database.statement() as sql:
        for key in sql.all(_REMOVE_UPLOADS, customer_id=customer_id):
            objects.forget(key)
    with database.statement() as sql:
        while sql.first(_REMOVE_MESSAGES, customer_id=customer_id, slice=_SLICE):
            pass
    while ended := _ended(database, customer_id):
        for generation_id in ended:
            with database.statements() as sql:
                files = transitions.erase(sql, generation_id)
            for key, size_bytes in files:
                objects.forget(key)
                yield size_bytes
    with database.statements() as sql:
        sql.run(_FORGET_REQUESTS, customer_id=customer_id)
        sql.run(_ERASED, customer_id=customer_id)


def _ended(database: Database, customer_id: UUID) -> Sequence[UUID]:
    with database.statement() as sql:
        return sql.all(_ENDED, customer_id=customer_id, slice=_SLICE)


def _cancel_unsent(session: Session, customers: Sequence[UUID]) -> None:
    """Cancel the generations that no provider has."""
    queued = select(Generation).where(col(Generation.customer_id).in_(customers), Generation.stage == Stage.QUEUED)
    for row in session.exec(queued.order_by(col(Generation.id)).with_for_update()):
        transitions.cancel_unsent(of(session), row)
