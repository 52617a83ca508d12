"""Deletes a generation: its files, its prompt and inputs, its labels, and the texts of its timeline.

The row stays as a tombstone: transfers of the ledger refer to it, and its idempotency key must not make a second one.
"""

from uuid import UUID

from schemas.errors import NotFinished, NotFound
from schemas.stages import TERMINAL, status_of
from storage import generations, transitions
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of


def delete(database: Database, store: ObjectStore, generation_id: UUID, *, customer_id: UUID | None = None) -> None:
    """Delete a generation that has ended. The database gives the files up first; then the store deletes them.

    A file that stays, because the process was stopped or the store failed, is an orphan, and a sweep removes it.

    Args:
        customer_id: delete only a generation of this customer. None: an operator deletes.

    Raises:
        NotFound: there is no such generation, or it is deleted already.
        NotFinished: the generation has not ended.
    """
    with database.transaction() as session:
        row = generations.find(session, generation_id, customer_id=customer_id, locks=True)
        if row is None or row.deleted_at is not None:
            raise NotFound(f"there is no generation {generation_id}")
        if row.stage not in TERMINAL:
            text = f"the generation is {status_of(row.stage)}: cancel it first, and delete it when it has ended"
            raise NotFinished(text)
        files = transitions.erase(of(session), row.id)
    for key, _ in files:
        store.forget(key)
