"""Stores a customer's file, from any door. Measures the length of a video."""

from datetime import timedelta
from typing import BinaryIO
from uuid import UUID

from intake.video_length import measure
from schemas.enums import Kind
from schemas.media_types import MediaType
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
    *,
    keep_for: timedelta,
) -> Upload:
    """Store a file, and record the length of a video.

    Args:
        file: a seekable file at its beginning.

    Raises:
        NotFound: the customer does not exist.
    """
    return uploads.store(
        database,
        objects,
        customer_id,
        file,
        media,
        keep_for=keep_for,
        measure=lambda: None if media.kind is Kind.IMAGE else measure(file, media),
    )
