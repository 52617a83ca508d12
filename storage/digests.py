"""Finds the generation of an equal order by the order's digest, for clients that send an order again without a key.

Equal orders take one lock, so one of them decides at a time: each sees the rows of those before it.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from schemas.tables import Generation
from storage.sql import Sql, returns


@dataclass(frozen=True)
class EqualOrders:
    """The digest of an order, and the earlier orders with this digest that are the same order."""

    value: str
    """SHA-256 of the order and of its sender."""
    is_retry: bool
    """Whether the client has sent the order before."""
    began_at: float
    """The time at which this attempt arrived, by `time.monotonic`."""
    within_seconds: float
    """Orders of the last seconds are the same order."""
    keep_seconds: float
    """The time for which later orders may look for this one."""


def find(sql: Sql, customer_id: UUID, orders: EqualOrders) -> Generation | None:
    """The newest generation of the same order. Locks the digest until the transaction ends.

    An order is the same within its time. A retry that was accepted after this attempt arrived is the same order, too:
    the retry has overtaken this attempt.
    """
    (now,) = sql.all(_LOCK, value=orders.value)
    # Read after the database's time: the result is never later than the arrival.
    arrived_at = now - timedelta(seconds=time.monotonic() - orders.began_at)
    return sql.first(
        _FIND, value=orders.value, customer_id=customer_id, arrived_at=arrived_at,
        since=now - timedelta(seconds=orders.within_seconds),
    )  # fmt: skip


def keep(sql: Sql, orders: EqualOrders, generation_id: UUID) -> None:
    """Record the generation of an order, under the lock of `find`."""
    sql.run(
        _KEEP, generation_id=generation_id, value=orders.value, is_retry=orders.is_retry,
        keep_seconds=orders.keep_seconds,
    )  # fmt: skip


# The time is read after the lock is there. The clock of the transaction would show its start.
_LOCK = returns(datetime)("""
    WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended('digest ' || %(value)s, 0)))
    SELECT clock_timestamp() FROM locked
""")

_FIND = returns(Generation)("""
    SELECT {columns} FROM generations WHERE customer_id = %(customer_id)s AND id = (
        SELECT generation_id FROM order_digests
        WHERE value = %(value)s AND (created_at > %(since)s OR (is_retry AND created_at >= %(arrived_at)s))
        ORDER BY created_at DESC LIMIT 1
    )
""")

_KEEP = """
    INSERT INTO order_digests (generation_id, value, is_retry, created_at, expires_at)
    SELECT %(generation_id)s, %(value)s, %(is_retry)s, moment, moment + make_interval(secs => %(keep_seconds)s)
    FROM clock_timestamp() AS moment
"""
