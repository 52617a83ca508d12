"""Stores a customer's file, from any door. Measures the length of a video."""

from datetime import timedelta
from typing import BinaryIO
from uuid import UUID

from intake.video_length import measure
from schemas.enums import Kind
from schemas.media_types import MediaType
from schemas.setting_groups import InputSettings
from schemas.tables import Upload
from storage import uploads
from storage.database import Database
from storage.objects import ObjectStore


def keep(
    database: Database,
    objects: ObjectStore,
    customer_id: UUID,
    file: BinaryIO,
    media: MediaType,
    limits: InputSettings,
    *,
    keep_for: timedelta,
) -> Upload:
    """Store a file, and record the length of a video.

    Args:
        file: a seekable file.
        limits: the customer's quota.

    Raises:
        NotFound: the customer does not exist.
        StorageQuotaExceeded: the file exceeds the customer's quota. Nothing is stored.
        TooManyRequests, Unavailable: too many slow videos are being measured. Nothing is stored.
    """
    return uploads.store(
        database,
        objects,
        customer_id,
        file,
        media,
        limits,
        keep_for=keep_for,
        measure=lambda: None if media.kind is Kind.IMAGE else measure(file, media, customer_id),
    )
