"""Assets: what was stored for a generation."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from schemas.enums import AssetRole
from storage.sql import Sql


@dataclass(frozen=True)
class NewAsset:
    """A stored file that is to count."""

    role: AssetRole
    object_key: str
    content_type: str
    size_bytes: int
    sha256: str
    """Lower-case hex."""
    width: int
    height: int
    codec: str
    duration_seconds: float | None = None
    frame_rate: float | None = None
    bit_rate: int | None = None


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
    """Make stored objects count."""
    for asset in assets:
        sql.run(_ADD, generation_id=generation_id, customer_id=customer_id, **vars(asset))
