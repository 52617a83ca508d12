"""Uploads: the images and videos that customers store with us. Each upload is a row and an object.

The row is written after its object and deleted before its object, so every row has its file. An object without a row is
an orphan.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO
from uuid import UUID, uuid4, uuid5

from schemas.enums import Kind
from schemas.errors import InvalidRequest, NotFound, RequestError
from schemas.inputs import NOTHING_KNOWN, Facts, InputFacts, InputField, upload_id, upload_url
from schemas.media_types import MediaType
from schemas.setting_groups import InputSettings
from schemas.tables import Upload
from storage import upload_quota
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import Sql, returns

PREFIX = "uploads/"
"""The prefix of the objects' keys. Results have another prefix, so a release without uploads sweeps only results."""

MARGIN = timedelta(hours=1)
"""The time after a generation's deadline during which its uploads are kept and the links to them work."""

_BLOCK_BYTES = 256 * 1024

_ADD = returns(Upload)("""
    INSERT INTO uploads (id, customer_id, object_key, content_type, size_bytes, sha256, duration_seconds, expires_at)
    SELECT %(upload_id)s, id, %(object_key)s, %(content_type)s, %(size_bytes)s, %(sha256)s, %(duration_seconds)s,
           clock_timestamp() + make_interval(secs => %(keep_for)s)
    FROM customers WHERE id = %(customer_id)s AND deleted_at IS NULL
    ON CONFLICT (id) DO UPDATE SET expires_at = greatest(uploads.expires_at, excluded.expires_at),
                                   duration_seconds = coalesce(excluded.duration_seconds, uploads.duration_seconds)
    RETURNING {columns}
""")

_PROLONG = returns(Upload)("""
    UPDATE uploads SET expires_at = greatest(expires_at, clock_timestamp() + make_interval(secs => %(keep_for)s))
    WHERE id = %(upload_id)s AND expires_at > clock_timestamp() RETURNING {columns}
""")

_FIND_THEIRS = returns(Upload)(
    "SELECT {columns} FROM uploads WHERE customer_id = %(customer_id)s AND id = ANY(%(ids)s::uuid[])"
)

# Rows are locked in the order of their ids, so that two orders do not deadlock.
_LOCK = returns(Upload)("""
    SELECT {columns} FROM uploads
    WHERE customer_id = %(customer_id)s AND id = ANY(%(ids)s::uuid[]) AND expires_at > clock_timestamp()
    ORDER BY id FOR NO KEY UPDATE
""")

_LOCK_ONE = "SELECT FROM uploads WHERE id = %(upload_id)s FOR NO KEY UPDATE"

_FIND = returns(Upload)("""
    SELECT {columns} FROM uploads
    WHERE customer_id = %(customer_id)s AND id = %(upload_id)s AND expires_at > clock_timestamp()
""")

_KEEP_UNTIL = "UPDATE uploads SET expires_at = greatest(expires_at, %(until)s) WHERE id = ANY(%(ids)s::uuid[])"

_DELETE = returns(str)(
    "DELETE FROM uploads WHERE id = %(upload_id)s AND customer_id = %(customer_id)s RETURNING object_key"
)


def identity(customer_id: UUID, sha256: str) -> UUID:
    """The id of a customer's upload. The same file always has the same id."""
    return uuid5(customer_id, sha256)


def store(
    database: Database,
    objects: ObjectStore,
    customer_id: UUID,
    body: BinaryIO,
    media: MediaType,
    limits: InputSettings,
    *,
    keep_for: timedelta,
    measure: Callable[[], float | None] = lambda: None,
) -> Upload:
    """Store a file, and keep the upload for at least `keep_for`. A file that is stored already is kept longer.

    Args:
        body: a seekable file.
        limits: the customer's quota. Parallel calls cannot exceed the quota.
        measure: returns the length of a video in seconds. Called after `body` is read. May raise a RequestError.

    Raises:
        NotFound: there is no such customer.
        StorageQuotaExceeded: the file exceeds the customer's quota. Nothing is stored.
    """
    new = _NewUpload(customer_id, _sha256(body), body.tell(), media)
    with database.statement() as sql:
        known = sql.first(_PROLONG, upload_id=new.id, keep_for=keep_for.total_seconds())
        # An upload of an earlier release can have no measured length.
        if known is not None and (media.kind is Kind.IMAGE or known.duration_seconds is not None):
            return known
        upload_quota.require_room(sql, customer_id, {new.id: new.size_bytes}, limits)
    body.seek(0)
    objects.put(new.key, body, size_bytes=new.size_bytes, content_type=media.content_type)
    try:
        upload = _insert(database, new, measure(), limits, keep_for)
    except RequestError:
        objects.forget(new.key)
        raise
    if upload.object_key != new.key:
        objects.forget(new.key)
    return upload


@dataclass(frozen=True)
class _NewUpload:
    customer_id: UUID
    sha256: str
    size_bytes: int
    media: MediaType
    name: UUID = field(default_factory=uuid4)

    @property
    def id(self) -> UUID:
        return identity(self.customer_id, self.sha256)

    @property
    def key(self) -> str:
        return f"{PREFIX}{self.customer_id}/{self.name}.{self.media.extension}"


def _insert(
    database: Database, new: _NewUpload, length: float | None, limits: InputSettings, keep_for: timedelta
) -> Upload:
    """Insert the row, or prolong the row of the same file. The check of the quota is in the same transaction."""
    with database.statements() as sql:
        # A deletion locks the row first, and then the customer, whose totals a trigger writes.
        sql.run(_LOCK_ONE, upload_id=new.id)
        upload_quota.reserve_room(sql, new.customer_id, {new.id: new.size_bytes}, limits)
        upload = sql.first(
            _ADD, upload_id=new.id, customer_id=new.customer_id, object_key=new.key, sha256=new.sha256,
            content_type=new.media.content_type, size_bytes=new.size_bytes, duration_seconds=length,
            keep_for=keep_for.total_seconds(),
        )  # fmt: skip
    if upload is None:
        raise NotFound(f"there is no customer {new.customer_id}")
    return upload


def find(sql: Sql, customer_id: UUID, wanted: UUID) -> Upload | None:
    """A customer's upload. None if the upload does not exist or has expired."""
    return sql.first(_FIND, customer_id=customer_id, upload_id=wanted)


def find_inputs(sql: Sql, customer_id: UUID, urls: Iterable[str]) -> Mapping[str, Upload]:
    """The customer's uploads that these URLs name, by URL. Missing uploads are left out."""
    ids = _ids(urls)
    if not ids:
        return {}
    return {upload_url(upload.id): upload for upload in sql.all(_FIND_THEIRS, customer_id=customer_id, ids=ids)}


def lock(sql: Sql, customer_id: UUID, files: Sequence[InputField]) -> Facts:
    """The facts about the uploads among an order's files. The uploads stay locked until the caller's transaction ends.

    Raises:
        InvalidRequest: an upload does not exist, is another customer's, or has expired. The error names each field.
    """
    ids = _ids(file.url for file in files)
    if not ids:
        return NOTHING_KNOWN
    locked = sql.all(_LOCK, customer_id=customer_id, ids=ids)
    known = {
        upload_url(upload.id): InputFacts(
            upload.content_type, upload.size_bytes, duration_seconds=upload.duration_seconds
        )
        for upload in locked
    }
    missing = [file for file in files if upload_id(file.url) and file.url not in known]
    if missing:
        text_ = "is no upload of yours, or has expired: send the file to POST /v1/uploads again"
        raise InvalidRequest.of_fields([(file.name, text_) for file in missing])
    return known


def keep(sql: Sql, facts: Facts, *, deadline_at: datetime) -> None:
    """Keep a generation's uploads until `MARGIN` after its deadline."""
    if ids := _ids(facts):
        sql.run(_KEEP_UNTIL, ids=ids, until=deadline_at + MARGIN)


def delete(database: Database, objects: ObjectStore, customer_id: UUID, unwanted: UUID) -> bool:
    """Delete a customer's upload. Returns False if the customer has no such upload."""
    with database.statement() as sql:
        key = sql.first(_DELETE, upload_id=unwanted, customer_id=customer_id)
    if key is not None:
        objects.forget(key)
    return key is not None


def _ids(urls: Iterable[str]) -> list[UUID]:
    return sorted({found for url in urls if (found := upload_id(url)) is not None})


def _sha256(body: BinaryIO) -> str:
    """The hash of a whole file. The position is at its end then."""
    body.seek(0)
    sha256 = hashlib.sha256()
    while block := body.read(_BLOCK_BYTES):
        sha256.update(block)
    return sha256.hexdigest()
