"""Finds the generation of an equal order by the order's digest, for clients that send an order again without a key.

Equal orders take one lock, so one of them decides at a time: each sees the rows of those before it.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from schemas.tables import Generation
from storage.sql import Sql, returns

# Redis delivers a message again within hours.
_MESSAGE_SECONDS = 86_400.0

# The most messages that are known to be one order.
_MOST_MESSAGES = 1000


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


def find(sql: Sql, customer_id: UUID, orders: EqualOrders, *, message_key: str | None = None) -> Generation | None:
    """The newest generation of the same order; of a batch, one of them. Locks the digest until the transaction ends.

    An order is the same within its time, unless its generations have failed without a charge or are deleted. Whatever
    has become of an order, two requests are always the same order:

    - An attempt that arrived before a retry of the order was accepted or matched: the retry has overtaken this attempt,
      so its answer has no reader.
    - A message that was this order before.

    A match is recorded, so that those requests find the order.

    Args:
        message_key: the key of the message that brings the order. None: a request without a message.
    """
    (now,) = sql.all(_LOCK, value=orders.value)
    # Read after the database's time: the result is never later than the arrival.
    arrived_at = now - timedelta(seconds=time.monotonic() - orders.began_at)
    newest = sql.first(
        _NEWEST, value=orders.value, arrived_at=arrived_at, message_key=message_key,
        since=now - timedelta(seconds=orders.within_seconds),
    )  # fmt: skip
    if newest is None:
        return None
    generation_id, is_final = newest
    found = sql.first(_GENERATION, generation_id=generation_id, customer_id=customer_id, is_final=is_final)
    if found is not None and (orders.is_retry or message_key is not None):
        sql.run(
            _MATCH, generation_id=generation_id, is_retry=orders.is_retry, message_key=message_key,
            keep_seconds=orders.keep_seconds if message_key is None else max(orders.keep_seconds, _MESSAGE_SECONDS),
            most_keys=_MOST_MESSAGES,
        )  # fmt: skip
    return found


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

_NEWEST = returns(lambda generation_id, is_final: (UUID(str(generation_id)), bool(is_final)))("""
    SELECT generation_id, is_final
    FROM order_digests CROSS JOIN LATERAL (
        SELECT coalesce(%(message_key)s::text = ANY(message_keys), false) AS is_message,
               greatest(CASE WHEN is_retry THEN created_at END, matched_at) >= %(arrived_at)s IS TRUE AS is_overtaken
    ) AS of_request CROSS JOIN LATERAL (SELECT is_message OR is_overtaken AS is_final) AS of_both
    WHERE value = %(value)s AND (is_final OR created_at > %(since)s)
    ORDER BY is_message DESC, created_at DESC LIMIT 1
""")

# A deleted generation has no labels, but its order still names its batch.
_GENERATION = returns(Generation)("""
    WITH first AS (
        SELECT id, ("order" ->> 'batch_id')::uuid AS batch_id FROM generations WHERE id = %(generation_id)s
    ), members AS (
        SELECT id FROM first
        UNION SELECT labels.generation_id FROM first JOIN generation_labels labels USING (batch_id)
        WHERE labels.customer_id = %(customer_id)s
    )
    SELECT {columns} FROM generations WHERE customer_id = %(customer_id)s AND id IN (SELECT id FROM members) AND (
        (%(is_final)s AND id = %(generation_id)s) OR (deleted_at IS NULL AND (
            stage NOT IN ('failed', 'cancelled') OR EXISTS (
                SELECT FROM ledger_transfers t WHERE t.generation_id = generations.id AND t.kind = 'capture'
            )
        ))
    )
    ORDER BY created_at DESC, id DESC LIMIT 1
""")

_MATCH = """
    UPDATE order_digests SET
        matched_at = CASE WHEN %(is_retry)s THEN clock_timestamp() ELSE matched_at END,
        message_keys = CASE
            WHEN %(message_key)s::text IS NULL OR %(message_key)s::text = ANY(message_keys) THEN message_keys
            ELSE (message_keys || %(message_key)s::text)[greatest(1, cardinality(message_keys) + 2 - %(most_keys)s):]
        END,
        expires_at = greatest(expires_at, clock_timestamp() + make_interval(secs => %(keep_seconds)s))
    WHERE generation_id = %(generation_id)s
"""

_KEEP = """
    INSERT INTO order_digests (generation_id, value, is_retry, created_at, expires_at)
    SELECT %(generation_id)s, %(value)s, %(is_retry)s, moment, moment + make_interval(secs => %(keep_seconds)s)
    FROM clock_timestamp() AS moment
"""
