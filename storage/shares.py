"""Shares: links by which everybody may see a result, until their end or until the customer revokes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from schemas.enums import AssetRole
from schemas.share_tables import Share
from schemas.tables import Asset, Generation
from storage.sql import Sql

MOST = 100
"""The most working shares of a generation."""

_ADD_VIEWS = """
    UPDATE shares SET views = shares.views + counted.views
    FROM (
        SELECT shares.id, given.views FROM shares
        JOIN unnest(%(ids)s::uuid[], %(counts)s::bigint[]) AS given (id, views) ON given.id = shares.id
        ORDER BY shares.id FOR NO KEY UPDATE OF shares
    ) AS counted
    WHERE shares.id = counted.id
"""


@dataclass(frozen=True)
class Shared:
    """A share that works, with the files that it shows."""

    share: Share
    """The share."""
    result: Asset
    """The result."""
    poster: Asset | None
    """The still picture of the result."""


def create(session: Session, generation: Generation, *, expires_in: timedelta) -> Share | None:
    """Make a share. None: the generation has as many working shares as it may.

    The caller has locked the row of the generation.
    """
    working = (
        select(func.count())
        .select_from(Share)
        .where(
            Share.generation_id == generation.id, col(Share.revoked_at).is_(None), col(Share.expires_at) > func.now()
        )
    )
    if session.exec(working).one() >= MOST:
        return None
    share = Share(
        generation_id=generation.id,
        customer_id=generation.customer_id,
        expires_at=func.now() + expires_in,  # type: ignore[arg-type]  # the database's clock
    )
    session.add(share)
    session.flush()
    session.refresh(share)
    return share


def listed(session: Session, generation_id: UUID, *, customer_id: UUID) -> Sequence[Share]:
    """A generation's shares of the last time, the newest first. Revoked and ended ones are among them."""
    theirs = select(Share).where(Share.generation_id == generation_id, Share.customer_id == customer_id)
    return session.exec(theirs.order_by(col(Share.created_at).desc(), col(Share.id)).limit(MOST)).all()


def revoke(session: Session, share_id: UUID, *, generation_id: UUID, customer_id: UUID) -> bool:
    """End a share now. A revoked share stays as it is. False: the customer has no such share."""
    theirs = select(Share).where(
        Share.id == share_id, Share.generation_id == generation_id, Share.customer_id == customer_id
    )
    share = session.exec(theirs.with_for_update()).one_or_none()
    if share is not None and share.revoked_at is None:
        share.revoked_at = func.now()  # type: ignore[assignment]  # the database's clock
        session.add(share)
    return share is not None


def find(session: Session, share_id: UUID) -> Shared | None:
    """A share that works. None: it has ended or was revoked, or the customer or a sweep has deleted the result."""
    files = (
        select(Share, Asset)
        .join(Generation, col(Generation.id) == Share.generation_id)
        .join(Asset, col(Asset.generation_id) == Share.generation_id)
        .where(
            Share.id == share_id,
            col(Share.revoked_at).is_(None),
            col(Share.expires_at) > func.now(),
            col(Generation.deleted_at).is_(None),
            col(Asset.expired_at).is_(None),
        )
    )
    found = {asset.role: (share, asset) for share, asset in session.exec(files)}
    if AssetRole.RESULT not in found:
        return None
    share, result = found[AssetRole.RESULT]
    _, poster = found.get(AssetRole.POSTER, (share, None))
    return Shared(share, result, poster)


def add_views(sql: Sql, counts: Mapping[UUID, int]) -> None:
    """Add views of pages, by share."""
    sql.run(_ADD_VIEWS, ids=list(counts), counts=list(counts.values()))
