"""A generation as its customer sees it: the row, its assets, and the credits that moved for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from schemas.enums import TransferKind
from schemas.tables import Asset, Generation
from storage import generations

# Literal kinds: they let PostgreSQL see that the partial index on (generation_id, kind) serves.
_MOVED = text("""
    SELECT kind, amount FROM ledger_transfers
    WHERE generation_id = :generation_id AND kind IN ('hold', 'capture', 'release')
""")


@dataclass(frozen=True)
class Details:
    """`moved` has an entry for each kind of transfer that happened."""

    generation: Generation
    assets: Sequence[Asset]
    moved: Mapping[TransferKind, int]


def find(session: Session, generation_id: UUID, *, customer_id: UUID) -> Details | None:
    """A customer's generation with all that belongs to it, as of one moment; None if it is not theirs.

    Call it first in a transaction: it makes all reads see the same snapshot, so that a generation never shows credits
    as captured before it shows itself as completed.
    """
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    generation = generations.find(session, generation_id, customer_id=customer_id)
    return None if generation is None else of(session, generation)


def of_new(generation: Generation) -> Details:
    """What belongs to a generation that this transaction has accepted: its hold."""
    return Details(generation, [], {TransferKind.HOLD: generation.credits})


def of(session: Session, generation: Generation) -> Details:
    """What belongs to a generation that was just read."""
    assets = session.exec(
        select(Asset).where(Asset.generation_id == generation.id).order_by(col(Asset.role).desc())
    ).all()
    moved = session.execute(_MOVED, {"generation_id": generation.id})
    return Details(generation, assets, {TransferKind(kind): amount for kind, amount in moved})
