"""Uploads: the images and videos that customers store with us. Each upload is a row and an object.

The row is written after its object and deleted before its object, so every row has its file. An object without a row is
an orphan.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID, uuid4, uuid5

from schemas.errors import InvalidRequest, NotFound
from schemas.inputs import NOTHING_KNOWN, Facts, InputFacts, upload_id, upload_url
from schemas.media_types import MediaType
from schemas.orders import GenerationRequest
from schemas.tables import Upload
from storage.database import Database
from storage.objects import ObjectStore, Readable
from storage.sql import Sql, returns

PREFIX = "uploads/"
"""The prefix of the objects' keys. Results have another prefix, so a release without uploads sweeps only results."""

MARGIN = timedelta(hours=1)
"""The time after a generation's deadline during which its uploads are kept and the links to them work."""

_ADD = returns(Upload)("""
    INSERT INTO uploads (id, customer_id, object_key, content_type, size_bytes, sha256, duration_seconds, expires_at)
    SELECT %(upload_id)s, id, %(object_key)s, %(content_type)s, %(size_bytes)s, %(sha256)s, %(duration_seconds)s,
           clock_timestamp() + make_interval(secs => %(keep_for)s)
    FROM customers WHERE id = %(customer_id)s
    ON CONFLICT (id) DO UPDATE SET expires_at = greatest(uploads.expires_at, excluded.expires_at),
                                   duration_seconds = coalesce(excluded.duration_seconds, uploads.duration_seconds)
    RETURNING {columns}
""")

_PROLONG = returns(Upload)("""
    UPDATE uploads SET expires_at = greatest(expires_at, clock_timestamp() + make_interval(secs => %(keep_for)s))
    WHERE id = %(upload_id)s RETURNING {columns}
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
    body: Readable,
    media: MediaType,
    *,
    keep_for: timedelta,
    measure: Callable[[], float | None] = lambda: None,
) -> Upload:
    """Stream a file into the object store, and keep the upload for at least `keep_for`.

    If the customer has the same upload already, that upload is kept longer and the new object is deleted.

    Args:
        measure: returns the length of a video in seconds. Called after `body` is read.

    Raises:
        NotFound: there is no such customer.
        Exception: any error of `body`. Then nothing is stored.
    """
    key = f"{PREFIX}{customer_id}/{uuid4()}.{media.extension}"
    hashed = _Hashed(body)
    objects.put(key, hashed, size_bytes=None, content_type=media.content_type)
    length = measure()
    with database.statement() as sql:
        upload = sql.first(
            _ADD, upload_id=identity(customer_id, hashed.sha256), customer_id=customer_id, object_key=key,
            content_type=media.content_type, size_bytes=hashed.size_bytes, sha256=hashed.sha256,
            duration_seconds=length, keep_for=keep_for.total_seconds(),
        )  # fmt: skip
    if upload is None or upload.object_key != key:
        objects.forget(key)
    if upload is None:
        raise NotFound(f"there is no customer {customer_id}")
    return upload


def prolong(sql: Sql, customer_id: UUID, sha256: str, *, keep_for: timedelta) -> Upload | None:
    """Keep an existing upload for at least `keep_for` from now. None if the customer has no such file."""
    return sql.first(_PROLONG, upload_id=identity(customer_id, sha256), keep_for=keep_for.total_seconds())


def find(sql: Sql, customer_id: UUID, wanted: UUID) -> Upload | None:
    """A customer's upload. None if the upload does not exist or has expired."""
    return sql.first(_FIND, customer_id=customer_id, upload_id=wanted)


def find_inputs(sql: Sql, customer_id: UUID, urls: Iterable[str]) -> Mapping[str, Upload]:
    """The customer's uploads that these URLs name, by URL. Missing uploads are left out."""
    ids = _ids(urls)
    if not ids:
        return {}
    return {upload_url(upload.id): upload for upload in sql.all(_FIND_THEIRS, customer_id=customer_id, ids=ids)}


def lock(sql: Sql, customer_id: UUID, request: GenerationRequest) -> Facts:
    """The facts about the uploads that a request names. The uploads stay locked until the caller's transaction ends.

    Raises:
        InvalidRequest: an upload does not exist, is another customer's, or has expired. The error names each field.
    """
    ids = _ids(file.url for file in request.input_files())
    if not ids:
        return NOTHING_KNOWN
    locked = sql.all(_LOCK, customer_id=customer_id, ids=ids)
    known = {
        upload_url(upload.id): InputFacts(
            upload.content_type, upload.size_bytes, duration_seconds=upload.duration_seconds
        )
        for upload in locked
    }
    missing = [file for file in request.input_files() if upload_id(file.url) and file.url not in known]
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


class _Hashed:
    """A stream that computes its size and SHA-256 while it is read once."""

    def __init__(self, body: Readable) -> None:
        self._body = body
        self._sha256 = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def read(self, size: int = -1, /) -> bytes:
        block = self._body.read(size)
        self._sha256.update(block)
        self.size_bytes += len(block)
        return block
