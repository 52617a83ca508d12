"""Assets: the stored files of a generation."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from schemas.enums import AssetRole
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
        duration_seconds, frame_rate, bit_rate
    ) VALUES (
        gen_random_uuid(), %(generation_id)s, %(customer_id)s, %(role)s, %(object_key)s, %(content_type)s,
        %(size_bytes)s, %(sha256)s, %(width)s, %(height)s, %(codec)s, %(duration_seconds)s, %(frame_rate)s, %(bit_rate)s
    )
"""


def add(sql: Sql, assets: Iterable[NewAsset], *, generation_id: UUID, customer_id: UUID) -> None:
    """Insert the rows of stored files."""
    for asset in assets:
        sql.run(_ADD, generation_id=generation_id, customer_id=customer_id, **vars(asset))


def find_kept(session: Session, object_key: str) -> Asset | None:
    """The row of a file that is kept, by its key in the object store."""
    return session.exec(
        select(Asset).where(Asset.object_key == object_key, col(Asset.expired_at).is_(None))
    ).one_or_none()
