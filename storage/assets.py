"""Assets: the stored files of a generation."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from schemas.enums import AssetRole
from schemas.setting_groups import RetentionSettings
from schemas.tables import Asset
from storage.sql import Sql


@dataclass(frozen=True)
class NewAsset:
    """A stored file without its row."""

    role: AssetRole
    """Result or poster."""
    object_key: str
    """The key in the object store."""
    content_type: str
    """The media type."""
    size_bytes: int
    """The length of the file."""
    sha256: str
    """The hash of the file, in lower-case hex."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""
    codec: str
    """FFmpeg's name of the codec."""
    duration_seconds: float | None = None
    """The length of a video. None for an image."""
    frame_rate: float | None = None
    """Frames per second. None for an image, or if the file gives no rate."""
    bit_rate: int | None = None
    """Bits per second. None for an image, or if the file gives no rate."""


_ADD = """
    INSERT INTO assets (
        id, generation_id, customer_id, role, object_key, content_type, size_bytes, sha256, width, height, codec,
        duration_seconds, frame_rate, bit_rate, expires_at
    ) VALUES (
        gen_random_uuid(), %(generation_id)s, %(customer_id)s, %(role)s, %(object_key)s, %(content_type)s,
        %(size_bytes)s, %(sha256)s, %(width)s, %(height)s, %(codec)s, %(duration_seconds)s, %(frame_rate)s,
        %(bit_rate)s, clock_timestamp() + make_interval(secs => %(expires_in)s)
    )
"""


def add(
    sql: Sql, assets: Iterable[NewAsset], *, generation_id: UUID, customer_id: UUID, expires_in: float | None = None
) -> None:
    """Insert the rows of stored files.

    Args:
        expires_in: seconds from now until the files are deleted. None: the operator's retention alone decides.
    """
    for asset in assets:
        sql.run(_ADD, generation_id=generation_id, customer_id=customer_id, expires_in=expires_in, **vars(asset))


IS_KEPT = """
    (expired_at IS NULL AND clock_timestamp() <
        coalesce(least(expires_at, created_at + make_interval(secs => 86400 * %(asset_days)s::float8)), 'infinity'))
"""
"""An SQL condition of an asset: `gone_at` is None. `asset_days` is the operator's retention."""


def expires_at(asset: Asset, retention: RetentionSettings) -> datetime | None:
    """The time at which a file is deleted: the request's or the operator's, whichever is first. None: never."""
    ends = [asset.expires_at]
    if retention.asset_days is not None and asset.created_at is not None:
        ends.append(asset.created_at + timedelta(days=retention.asset_days))
    return min((end for end in ends if end is not None), default=None)


def gone_at(asset: Asset, retention: RetentionSettings) -> datetime | None:
    """The time since which customers do not get a file: deleted, or its time is over. None while they get it."""
    ends_at = expires_at(asset, retention)
    return asset.expired_at or (ends_at if ends_at is not None and ends_at <= datetime.now(UTC) else None)


def find_kept(session: Session, object_key: str) -> Asset | None:
    """The row of a file that is kept, by its key in the object store."""
    return session.exec(
        select(Asset).where(Asset.object_key == object_key, col(Asset.expired_at).is_(None))
    ).one_or_none()
