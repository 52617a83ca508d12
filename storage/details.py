"""A generation as its customer sees it: the row, the assets, the moved credits, the batch and the retries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session, col, select

from schemas.enums import TransferKind
from schemas.orders import Order
from schemas.tables import Asset, Generation
from storage import generations
from storage.variants import reading
from storage.variants.reading import StoredVariant

# The kinds are literals so that PostgreSQL can use the partial index on (generation_id, kind).
_FACTS = text("""
    SELECT wanted.id, labels.batch_id, labels.retry_of,
           (SELECT later.generation_id FROM generation_labels later WHERE later.retry_of = wanted.id
            ORDER BY later.created_at DESC LIMIT 1) AS retried_by,
           (SELECT video_id FROM continuations WHERE preview_id = wanted.id) AS continued_by,
           (SELECT downloads FROM generation_downloads WHERE generation_id = wanted.id) AS downloads,
           (SELECT jsonb_object_agg(kind, amount) FROM ledger_transfers
            WHERE generation_id = wanted.id AND kind IN ('hold', 'capture', 'release')) AS moved
    FROM unnest(CAST(:ids AS uuid[])) AS wanted (id)
    LEFT JOIN generation_labels labels ON labels.generation_id = wanted.id
""")


@dataclass(frozen=True)
class Details:
    """A generation with its assets, its credits and its relatives."""

    generation: Generation
    """The row."""
    assets: Sequence[Asset]
    """The assets, the result first."""
    moved: Mapping[TransferKind, int]
    """The credits of each kind of transfer that has happened."""
    batch_id: UUID | None = None
    """The batch that the generation belongs to."""
    retry_of: UUID | None = None
    """The generation that this one repeats."""
    retried_by: UUID | None = None
    """The newest generation that repeats this one."""
    continued_by: UUID | None = None
    """The video that was made from this preview."""
    downloads: int = 0
    """How often the result was downloaded."""
    variants: Sequence[StoredVariant] = ()
    """The variants of the result. Empty before its end."""


def find(session: Session, generation_id: UUID, *, customer_id: UUID) -> Details:
    """Read a customer's generation with its details.

    Call this function first in a transaction. All reads of the transaction then see one snapshot, so captured credits
    never show before the stage `completed`.

    Raises:
        NotFound: the customer has no such generation.
    """
    in_one_snapshot(session)
    return of(session, generations.require(session, generation_id, customer_id=customer_id))


def find_all(session: Session, ids: Sequence[UUID], *, customer_id: UUID) -> list[Details]:
    """Read a customer's generations with their details, in the order of the ids. Leaves out those of others."""
    theirs = select(Generation).where(col(Generation.id).in_(ids), Generation.customer_id == customer_id)
    found = {row.id: row for row in session.exec(theirs)}
    return _of_all(session, [found[generation_id] for generation_id in ids if generation_id in found])


def in_one_snapshot(session: Session) -> None:
    """Let all reads of the transaction see one snapshot. Call this function first."""
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def of_new(generation: Generation) -> Details:
    """The details of a generation that this transaction has accepted: no assets, and the hold."""
    order = Order.model_validate(generation.order)
    held = {TransferKind.HOLD: generation.credits}
    return Details(generation, [], held, order.batch_id, order.retry_of)


def of(session: Session, generation: Generation) -> Details:
    """Read the details of a generation whose row is read already."""
    (details,) = _of_all(session, [generation])
    return details


def _of_all(session: Session, rows: Sequence[Generation]) -> list[Details]:
    ids = [row.id for row in rows]
    assets: dict[UUID, list[Asset]] = {generation_id: [] for generation_id in ids}
    by_role = select(Asset).where(col(Asset.generation_id).in_(ids)).order_by(col(Asset.role).desc())
    for asset in session.exec(by_role):
        assets[asset.generation_id].append(asset)
    variants = reading.of_generations(session, ids)
    facts = {fact.id: fact for fact in session.execute(_FACTS, {"ids": ids})}
    return [_details(row, assets[row.id], facts[row.id], variants.get(row.id, ())) for row in rows]


def _details(row: Generation, assets: Sequence[Asset], facts: Row[Any], variants: Sequence[StoredVariant]) -> Details:
    moved = {TransferKind(kind): amount for kind, amount in (facts.moved or {}).items()}
    return Details(
        row,
        assets,
        moved,
        batch_id=facts.batch_id,
        retry_of=facts.retry_of,
        retried_by=facts.retried_by,
        continued_by=facts.continued_by,
        downloads=facts.downloads or 0,
        variants=variants,
    )
