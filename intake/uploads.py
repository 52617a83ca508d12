"""Stores a customer's file, from any door. Measures the length of a video."""

from datetime import timedelta
from tempfile import TemporaryFile
from typing import BinaryIO
from uuid import UUID

from intake.video_length import measure
from schemas.enums import Kind
from schemas.media_types import MediaType
from schemas.tables import Upload
from storage import uploads
from storage.database import Database
from storage.objects import ObjectStore, Readable


def keep(
    database: Database,
    objects: ObjectStore,
    customer_id: UUID,
    body: Readable,
    media: MediaType,
    *,
    keep_for: timedelta,
) -> Upload:
    """Stream a file into the object store, and record the length of a video.

    Raises:
        NotFound: the customer does not exist.
        Exception: `body` raised the exception. Nothing is stored.
    """
    if media.kind is Kind.IMAGE:
        return uploads.store(database, objects, customer_id, body, media, keep_for=keep_for)
    # The child process reads a local copy: a video can have its length at the end, and the child process has no access
    # to the object store.
    with TemporaryFile() as copy:
        return uploads.store(
            database,
            objects,
            customer_id,
            _Copied(body, copy),
            media,
            keep_for=keep_for,
            measure=lambda: measure(copy, media),
        )


class _Copied:
    """Copies a file to another one while it is read."""

    def __init__(self, body: Readable, copy: BinaryIO) -> None:
        self._body = body
        self._copy = copy

    def read(self, size: int = -1, /) -> bytes:
        block = self._body.read(size)
        self._copy.write(block)
        return block
