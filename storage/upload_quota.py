"""The quota of a customer's stored uploads: their count, and their bytes together.

A trigger of the table `uploads` keeps the totals in the customer's row, so a check reads no more for a customer with
many uploads. An upload that has expired does not count, although a sweep deletes its row later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from schemas.errors import NotFound, StorageQuotaExceeded
from schemas.setting_groups import InputSettings
from storage.sql import Sql, returns


@dataclass(frozen=True)
class StoredUploads:
    """The uploads that a customer has stored."""

    count: int
    """The number of uploads."""
    size_bytes: int
    """The size of all uploads together."""
    next_expiry_at: datetime | None
    """The first time at which one of the uploads expires. None without uploads."""


_STORED = returns(StoredUploads)("""
    SELECT stored_uploads - expired.count AS count, (stored_bytes - expired.size_bytes)::bigint AS size_bytes,
           (SELECT min(expires_at) FROM uploads WHERE customer_id = customers.id AND expires_at > now())
               AS next_expiry_at
    FROM customers CROSS JOIN LATERAL (
        SELECT count(*) AS count, coalesce(sum(size_bytes), 0) AS size_bytes
        FROM uploads WHERE customer_id = customers.id AND expires_at <= now()
    ) AS expired
    WHERE customers.id = %(customer_id)s
""")

_KNOWN = returns(UUID)("SELECT id FROM uploads WHERE id = ANY(%(ids)s::uuid[]) AND expires_at > now()")

# An order's foreign key takes a lock that does not wait for this lock.
_LOCK_CUSTOMER = "SELECT FROM customers WHERE id = %(customer_id)s FOR NO KEY UPDATE"


def stored(sql: Sql, customer_id: UUID) -> StoredUploads:
    """The uploads that a customer has stored now.

    Raises:
        NotFound: there is no such customer.
    """
    found = sql.first(_STORED, customer_id=customer_id)
    if found is None:
        raise NotFound(f"there is no customer {customer_id}")
    return found


def require_room(sql: Sql, customer_id: UUID, files: Mapping[UUID, int], limits: InputSettings) -> None:
    """Check that the quota has room for files.

    Args:
        files: the sizes by the ids that the uploads will have. A file that is stored already needs no room.

    Raises:
        NotFound: there is no such customer.
        StorageQuotaExceeded: the files exceed the quota.
    """
    known = sql.all(_KNOWN, ids=list(files))
    sizes = [size for upload_id, size in files.items() if upload_id not in known]
    if not sizes:
        return
    use = stored(sql, customer_id)
    fits = (
        use.count + len(sizes) <= limits.max_stored_uploads and use.size_bytes + sum(sizes) <= limits.max_stored_bytes
    )
    if not fits:
        raise _exceeded(use, len(sizes), sum(sizes), limits)


def reserve_room(sql: Sql, customer_id: UUID, files: Mapping[UUID, int], limits: InputSettings) -> None:
    """Check as `require_room` does. Other uploads of the customer wait until the caller's transaction ends.

    Raises:
        NotFound: there is no such customer.
        StorageQuotaExceeded: the files exceed the quota.
    """
    sql.run(_LOCK_CUSTOMER, customer_id=customer_id)
    require_room(sql, customer_id, files, limits)


def _exceeded(use: StoredUploads, count: int, size_bytes: int, limits: InputSettings) -> StorageQuotaExceeded:
    next_expiry = "" if use.next_expiry_at is None else use.next_expiry_at.astimezone(UTC).isoformat(timespec="seconds")
    soon = f", or wait: uploads expire by themselves, the next one at {next_expiry}" if next_expiry else ""
    return StorageQuotaExceeded(
        f"you may store {limits.max_stored_uploads} uploads with {limits.max_stored_bytes} bytes together; "
        f"{use.count} uploads with {use.size_bytes} bytes are stored, and {count} more with {size_bytes} bytes "
        f"would be too much. Delete uploads with DELETE /v1/uploads/ID{soon}",
        {
            "uploads_allowed": limits.max_stored_uploads,
            "uploads_stored": use.count,
            "bytes_allowed": limits.max_stored_bytes,
            "bytes_stored": use.size_bytes,
            "bytes_needed": size_bytes,
            "next_expiry_at": next_expiry or None,
        },
    )
