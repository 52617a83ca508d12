"""The sweepers of the object store: results, uploads, orphans and unfinished multipart uploads."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain

import structlog
from minio.error import MinioException
from sqlalchemy import TextClause, text
from urllib3.exceptions import HTTPError

from schemas.enums import EventName
from storage import erasure, transitions
from storage.generations import database_now
from storage.objects import MultipartUpload, ObjectStore
from storage.orphans import PREFIXES, find_orphans
from storage.sql import of
from storage.sweeps.base import SLICE, Portion, Sweep

log = structlog.get_logger()

# A single failure concerns one object. This many failures in a row mean that the store does not work.
_MOST_FAILURES_IN_A_ROW = 5

# The inputs of unfinished orders: a generation may wait for days before its create.
_NAMED = """
    named AS MATERIALIZED (
        SELECT DISTINCT url FROM generations, jsonb_array_elements_text(
            coalesce("order" #> '{inputs,image_urls}', '[]') || coalesce("order" #> '{inputs,video_urls}', '[]')
        ) AS url
        WHERE wake_at IS NOT NULL
    )
"""
_RESULT_IS_NAMED = "EXISTS (SELECT FROM named WHERE url = 'generation:' || result.generation_id)"
_UPLOAD_IS_NAMED = "EXISTS (SELECT FROM named WHERE url = 'upload:' || uploads.id)"

# The customer's request may want an earlier end than the operator. Each rule has an index, in the order of its column.
_BY_AGE = "result.created_at < now() - make_interval(secs => CAST(:age AS float8))"
_BY_REQUEST = "result.expires_at < now()"

_COUNT_DUE = text(f"""
    WITH {_NAMED}
    SELECT count(*), coalesce(sum(a.size_bytes), 0)
    FROM assets result
    JOIN generations g ON g.id = result.generation_id
    CROSS JOIN LATERAL (
        SELECT size_bytes FROM assets WHERE generation_id = g.id AND expired_at IS NULL
        UNION ALL SELECT size_bytes FROM variant_files WHERE generation_id = g.id AND expired_at IS NULL
    ) AS a
    WHERE result.role = 'result' AND result.expired_at IS NULL AND g.finished_at IS NOT NULL
      AND ({_BY_AGE} OR {_BY_REQUEST}) AND NOT {_RESULT_IS_NAMED}
""")  # noqa: S608 -- constants

# A result, its poster and its variants expire together, with one timeline entry. The entry needs a lock on the
# generation's row too.
_EXPIRE = """
    WITH {named}, due AS (
        SELECT result.generation_id
        FROM assets result JOIN generations g ON g.id = result.generation_id
        WHERE result.role = 'result' AND result.expired_at IS NULL AND g.finished_at IS NOT NULL AND {is_due}
          AND NOT {is_named}
        ORDER BY {column} LIMIT :slice
        FOR UPDATE OF result SKIP LOCKED FOR KEY SHARE OF g SKIP LOCKED
    ), expired AS (
        UPDATE assets a SET expired_at = now() FROM due
        WHERE a.generation_id = due.generation_id AND a.expired_at IS NULL
        RETURNING a.generation_id, a.object_key, a.size_bytes
    ), variants AS (
        UPDATE variant_files f SET expired_at = now() FROM due
        WHERE f.generation_id = due.generation_id AND f.expired_at IS NULL
        RETURNING f.generation_id, f.object_key, f.size_bytes
    ), given_up AS (
        SELECT * FROM expired UNION ALL SELECT * FROM variants
    )
    SELECT generation_id, object_key, size_bytes, count(*) OVER its AS files, sum(size_bytes) OVER its AS total
    FROM given_up WINDOW its AS (PARTITION BY generation_id)
"""
_EXPIRE_BY_AGE = text(
    _EXPIRE.format(named=_NAMED, is_due=_BY_AGE, is_named=_RESULT_IS_NAMED, column="result.created_at")
)
_EXPIRE_BY_REQUEST = text(
    _EXPIRE.format(named=_NAMED, is_due=_BY_REQUEST, is_named=_RESULT_IS_NAMED, column="result.expires_at")
)

_COUNT_EXPIRED = text(f"""
    WITH {_NAMED}
    SELECT count(*), coalesce(sum(size_bytes), 0) FROM uploads WHERE expires_at < now() AND NOT {_UPLOAD_IS_NAMED}
""")  # noqa: S608 -- constants

# An upload that an order has locked is skipped: the order prolongs the upload.
_DELETE_EXPIRED = text(f"""
    WITH {_NAMED}, due AS (
        SELECT id FROM uploads WHERE expires_at < now() AND NOT {_UPLOAD_IS_NAMED}
        ORDER BY expires_at LIMIT :slice FOR UPDATE SKIP LOCKED
    )
    DELETE FROM uploads USING due WHERE uploads.id = due.id RETURNING uploads.object_key, uploads.size_bytes
""")  # noqa: S608 -- constants


def assets(run: Sweep) -> Iterator[Portion]:
    """Remove results that are older than their retention or than their request wants, with their posters and variants.

    A result that an unfinished order names as its input stays until that order ends.

    The database records the expiry first; then the store deletes the file. A file that remains after the first step,
    because the sweep was stopped or the store failed, is an orphan.
    """
    days = run.retention.asset_days
    # Without an age, the rule of the age finds nothing.
    age = None if days is None else timedelta(days=days).total_seconds()
    if run.is_dry:
        with run.database.transaction() as session:
            count, size_bytes = session.execute(_COUNT_DUE, {"age": age}).one()
        yield Portion(count, int(size_bytes))
        return
    for statement in (_EXPIRE_BY_REQUEST, _EXPIRE_BY_AGE):
        yield from _expire(run, statement, age)


def _expire(run: Sweep, statement: TextClause, age: float | None) -> Iterator[Portion]:
    remover = _Remover(run.objects)
    while True:
        with run.database.transaction() as session:
            expired = session.execute(statement, {"age": age, "slice": SLICE}).all()
            told = {row.generation_id: {"files": row.files, "size_bytes": int(row.total)} for row in expired}
            transitions.note_all(of(session), EventName.EXPIRED, told)
        if not expired:
            return
        for row in expired:
            yield remover.remove(row.object_key, row.size_bytes)


def uploads(run: Sweep) -> Iterator[Portion]:
    """Remove expired uploads that no unfinished order names: first the row, then the object."""
    if run.is_dry:
        with run.database.transaction() as session:
            count, size_bytes = session.execute(_COUNT_EXPIRED).one()
        yield Portion(count, int(size_bytes))
        return
    remover = _Remover(run.objects)
    while True:
        with run.database.transaction() as session:
            expired = session.execute(_DELETE_EXPIRED, {"slice": SLICE}).all()
        if not expired:
            return
        for row in expired:
            yield remover.remove(row.object_key, row.size_bytes)


def orphans(run: Sweep) -> Iterator[Portion]:
    """Remove orphans."""
    remover = _Remover(run.objects)
    age = timedelta(hours=run.retention.orphan_hours)
    for found in find_orphans(run.database, run.objects, older_than=age):
        for orphan in found:
            yield Portion(1, orphan.size_bytes) if run.is_dry else remover.remove(orphan.key, orphan.size_bytes)


def multipart_uploads(run: Sweep) -> Iterator[Portion]:
    """Abort old multipart uploads, whose workers have died. Their parts cost money and appear in no listing of objects.

    Aborting a running multipart upload is harmless: the store refuses the next part, and the worker starts again.
    """
    with run.database.transaction() as session:
        before = database_now(session) - timedelta(hours=run.retention.orphan_hours)
    remover = _Remover(run.objects)
    for upload in chain.from_iterable(run.objects.multipart_uploads(prefix) for prefix in PREFIXES):
        if upload.started_at < before:
            yield Portion(1) if run.is_dry else remover.abort(upload)


def deleted_customers(run: Sweep) -> Iterator[Portion]:
    """Erase the content of deleted customers that was unfinished at their deletion. Counts customers, when dry."""
    for customer_id in erasure.waiting(run.database):
        if run.is_dry:
            yield Portion(1)
            continue
        for size_bytes in erasure.erase_customer(run.database, run.objects, customer_id):
            yield Portion(1, size_bytes)


class _Remover:
    """Removes objects one by one. Goes on after a failure, and raises after several failures in a row."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._failures_in_a_row = 0

    def remove(self, key: str, size_bytes: int) -> Portion:
        """Delete an object."""
        return self._try(lambda: self._objects.remove(key), key, Portion(1, size_bytes))

    def abort(self, upload: MultipartUpload) -> Portion:
        """Abort a multipart upload."""
        return self._try(lambda: self._objects.abort_multipart_upload(upload), upload.key, Portion(1))

    def _try(self, act: Callable[[], None], key: str, removed: Portion) -> Portion:
        try:
            act()
        except (MinioException, HTTPError, OSError) as error:
            log.warning("object_not_removed", key=key, error=type(error).__name__)
            self._failures_in_a_row += 1
            if self._failures_in_a_row >= _MOST_FAILURES_IN_A_ROW:
                raise
            return Portion(failed=1)
        self._failures_in_a_row = 0
        return removed
