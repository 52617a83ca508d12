"""A generation as its customer sees it: the row, the assets, and the credits that moved for the generation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from schemas.enums import TransferKind
from schemas.tables import Asset, Generation
from storage import generations

# The kinds are literals so that PostgreSQL can use the partial index on (generation_id, kind).
_MOVED = text("""
    SELECT kind, amount FROM ledger_transfers
    WHERE generation_id = :generation_id AND kind IN ('hold', 'capture', 'release')
""")


@dataclass(frozen=True)
class Details:
    """A generation with its assets and credits."""

    generation: Generation
    """The row."""
    assets: Sequence[Asset]
    """The assets, the result first."""
    moved: Mapping[TransferKind, int]
    """The credits of each kind of transfer that has happened."""


def find(session: Session, generation_id: UUID, *, customer_id: UUID) -> Details | None:
    """Read a customer's generation with its assets and credits. None if the customer has no such generation.

    Call this function first in a transaction. All reads of the transaction then see one snapshot, so captured credits
    never show before the stage `completed`.
    """
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    generation = generations.find(session, generation_id, customer_id=customer_id)
    return None if generation is None else of(session, generation)


def of_new(generation: Generation) -> Details:
    """The details of a generation that this transaction has accepted: no assets, and the hold."""
    return Details(generation, [], {TransferKind.HOLD: generation.credits})


def of(session: Session, generation: Generation) -> Details:
    """Read the assets and credits of a generation whose row is read already."""
    assets = session.exec(
        select(Asset).where(Asset.generation_id == generation.id).order_by(col(Asset.role).desc())
    ).all()
    moved = session.execute(_MOVED, {"generation_id": generation.id})
    return Details(generation, assets, {TransferKind(kind): amount for kind, amount in moved})
