"""A customer's use by day and model, counted anew for each request: ratings, downloads and deletions change past days.

The cost grows with the generations of the period. Of a customer with 1,000,000 generations, a month with 128,000 takes
0.7 s, and the longest period, 92 days with 396,000, takes 1.8 s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from storage.sql import Sql, returns


@dataclass(frozen=True)
class Use:
    """The generations of one model that were accepted on one day."""

    day: date
    """The day, in UTC."""
    model: str
    """Our name of the model."""
    count: int
    """All generations."""
    completed: int
    """Those with a stored result."""
    failed: int
    """Those that failed."""
    cancelled: int
    """Those that were cancelled."""
    credits: int
    """The captured credits."""
    downloads: int
    """The downloads of the results so far."""
    p50_seconds: float | None
    """Half of the renderings took no longer. None without one."""
    p95_seconds: float | None
    """Nineteen of twenty took no longer. None without one."""
    mean_rating: float | None
    """The mean of the ratings. None without one."""


@dataclass(frozen=True)
class Stored:
    """The bytes that a customer has stored."""

    uploads: int
    """All uploads."""
    results: int
    """The results of a period's generations."""
    posters: int
    """The posters of a period's generations."""
    variants: int
    """The variants of a period's results."""


def by_day(sql: Sql, customer_id: UUID, first: date, last: date) -> Sequence[Use]:
    """The use of each day and model, the newest day first. Both days count."""
    return sql.all(_BY_DAY, customer_id=customer_id, start=first, end=last + timedelta(days=1))


def stored(sql: Sql, customer_id: UUID, first: date, last: date) -> Stored:
    """The stored bytes by kind."""
    (found,) = sql.all(_STORED, customer_id=customer_id, start=first, end=last + timedelta(days=1))
    return found


# Of cancelled generations few are charged: only these need a look at the ledger.
_BY_DAY = returns(Use)("""
    SELECT (labels.created_at AT TIME ZONE 'utc')::date AS day, labels.model, count(*) AS count,
           count(*) FILTER (WHERE stage = 'completed') AS completed,
           count(*) FILTER (WHERE stage = 'failed') AS failed,
           count(*) FILTER (WHERE stage = 'cancelled') AS cancelled,
           coalesce(sum(CASE stage WHEN 'completed' THEN credits WHEN 'cancelled' THEN (
               SELECT amount FROM ledger_transfers WHERE generation_id = g.id AND ledger_transfers.kind = 'capture'
           ) END), 0)::bigint AS credits,
           coalesce(sum(downloads), 0)::bigint AS downloads,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM rendered_at - started_at)::float8)
               FILTER (WHERE rendered_at >= started_at) AS p50_seconds,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM rendered_at - started_at)::float8)
               FILTER (WHERE rendered_at >= started_at) AS p95_seconds,
           avg(rating)::float8 AS mean_rating
    FROM generation_labels labels JOIN generations g ON g.id = labels.generation_id
    LEFT JOIN generation_downloads ON generation_downloads.generation_id = g.id
    WHERE labels.customer_id = %(customer_id)s
      AND labels.created_at >= %(start)s::timestamp AT TIME ZONE 'utc'
      AND labels.created_at < %(end)s::timestamp AT TIME ZONE 'utc'
    GROUP BY day, labels.model ORDER BY day DESC, labels.model
""")

_STORED = returns(Stored)("""
    SELECT (SELECT stored_bytes FROM customers WHERE id = %(customer_id)s) AS uploads,
           coalesce(sum(size_bytes) FILTER (WHERE role = 'result'), 0)::bigint AS results,
           coalesce(sum(size_bytes) FILTER (WHERE role = 'poster'), 0)::bigint AS posters,
           (
               SELECT coalesce(sum(files.size_bytes), 0)::bigint
               FROM generation_labels theirs JOIN variant_files files ON files.generation_id = theirs.generation_id
               JOIN assets result ON result.generation_id = files.generation_id AND result.role = 'result'
               WHERE theirs.customer_id = %(customer_id)s AND files.expired_at IS NULL AND result.expired_at IS NULL
                 AND theirs.created_at >= %(start)s::timestamp AT TIME ZONE 'utc'
                 AND theirs.created_at < %(end)s::timestamp AT TIME ZONE 'utc'
           ) AS variants
    FROM generation_labels labels JOIN assets ON assets.generation_id = labels.generation_id
    WHERE labels.customer_id = %(customer_id)s AND assets.expired_at IS NULL
      AND labels.created_at >= %(start)s::timestamp AT TIME ZONE 'utc'
      AND labels.created_at < %(end)s::timestamp AT TIME ZONE 'utc'
""")
