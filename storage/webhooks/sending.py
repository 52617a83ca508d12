"""Statements of the sending of webhooks: which endpoints have due deliveries, claims with leases, and results.

The cost of a claim does not grow with the number of waiting deliveries of an endpoint: the index leads to the first
due ones of each endpoint.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from schemas.event_types import EventType
from schemas.webhooks import DeliveryState, PauseReason, filters_for
from storage.sql import IS_FREE, Sql, returns

FIRST: Final = UUID(int=0)
"""Before every endpoint."""

_IS_OPEN: Final = "endpoint.paused_at IS NULL AND endpoint.deleted_at IS NULL"


@dataclass(frozen=True, slots=True)
class DueEndpoint:
    """An endpoint with a due delivery."""

    id: UUID
    """The endpoint."""
    customer_id: UUID
    """The customer. A test customer counts as its live customer."""
    url: str
    """Where messages go."""
    is_implicit: bool
    """Whether an order's `callback_url` made the endpoint."""


@dataclass(frozen=True, slots=True)
class DueEndpoints:
    """A part of all endpoints with due deliveries."""

    found: Sequence[DueEndpoint]
    """The endpoints."""
    next_after: UUID
    """Where the next part begins. `FIRST`: this part was the last one."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed delivery, and what its message needs."""

    delivery_id: UUID
    """The delivery, and the id of the message."""
    endpoint_id: UUID
    """The endpoint."""
    url: str
    """Where the message goes."""
    secret: str = field(repr=False)
    """The endpoint's secret."""
    earlier_secret: str | None = field(repr=False)
    """The secret before the last rotation, while it is valid."""
    event_id: int | None
    """The event of a generation. None: `data` is the payload's data."""
    type: str
    """The type of the event."""
    data: dict[str, object] | None
    """The payload's data of an event without a generation."""
    created_at: datetime
    """The time of the event."""
    tries: int
    """1 in the first try. Counts from 1 again after a redelivery."""
    lease_until: datetime
    """The end of the claim. It also identifies the claim."""
    generation_id: UUID | None
    """The generation of the event. None: the event is of none."""
    traceparent: str | None
    """The place of the generation's order in a trace. None: there is no trace."""


@dataclass(frozen=True, slots=True)
class Tried:
    """The result of a try, to be recorded."""

    delivery_id: UUID
    """The delivery."""
    endpoint_id: UUID
    """The endpoint."""
    lease_until: datetime
    """The claim."""
    began_at: datetime
    """The beginning of the try."""
    status: int | None
    """The HTTP status. None: no answer came."""
    seconds: float
    """How long the try took."""
    error: str | None
    """Why the try failed."""
    answer: str
    """The first bytes of the answer."""
    state: DeliveryState
    """The state after the try."""
    wait_seconds: float | None
    """The pause before the next try. None: no other follows."""
    is_gone: bool
    """Whether the endpoint wants no message any more."""


@dataclass(frozen=True, slots=True)
class Paused:
    """An endpoint that a result paused."""

    id: UUID
    """The endpoint."""
    customer_id: UUID
    """The customer."""
    url: str
    """Where messages went."""
    paused_at: datetime
    """The time of the pause."""
    paused_reason: str
    """Why nothing is sent."""
    failing_since: datetime | None
    """The first failure after the last success."""


_CUSTOMER: Final = "(SELECT coalesce(test_of, id) FROM customers WHERE id = endpoint.customer_id) AS customer_id"

_DUE_OF_GENERATIONS = returns(DueEndpoint)(f"""
    SELECT id, {_CUSTOMER}, url, is_implicit FROM webhook_endpoints AS endpoint
    WHERE {_IS_OPEN} AND id IN (
        SELECT endpoint_id FROM webhook_deliveries
        WHERE generation_id = ANY(%(generations)s) AND state = 'pending' AND next_at <= clock_timestamp()
    )
""")  # noqa: S608 -- constants


def due_of_generations(sql: Sql, generations: Collection[UUID]) -> list[DueEndpoint]:
    """The endpoints with due deliveries of these generations."""
    return sql.all(_DUE_OF_GENERATIONS, generations=list(generations))


def _step(
    id: UUID,  # noqa: A002 -- the name of the column
    customer_id: UUID,
    url: str,
    is_implicit: bool,
    is_due: bool,
    is_last: bool,
) -> tuple[DueEndpoint, bool, bool]:
    return DueEndpoint(id, customer_id, url, is_implicit), is_due, is_last


# Jumps in the index from the first delivery of an endpoint to the first one of the next endpoint.
_DUE = returns(_step)(f"""
    WITH RECURSIVE step AS (
        (SELECT endpoint_id, next_at, 1 AS number FROM webhook_deliveries
        WHERE state = 'pending' AND endpoint_id > %(after)s ORDER BY endpoint_id, next_at LIMIT 1)
        UNION ALL
        SELECT next.endpoint_id, next.next_at, step.number + 1
        FROM step CROSS JOIN LATERAL (
            SELECT endpoint_id, next_at FROM webhook_deliveries
            WHERE state = 'pending' AND endpoint_id > step.endpoint_id ORDER BY endpoint_id, next_at LIMIT 1
        ) AS next
        WHERE step.number < %(limit)s
    )
    SELECT endpoint.id, {_CUSTOMER}, url, is_implicit,
        step.next_at <= clock_timestamp() AND {_IS_OPEN} AS is_due, step.number = %(limit)s AS is_last
    FROM step JOIN webhook_endpoints AS endpoint ON endpoint.id = step.endpoint_id
    WHERE step.next_at <= clock_timestamp() OR step.number = %(limit)s
    ORDER BY step.number
""")  # noqa: S608 -- constants


def due(sql: Sql, *, after: UUID, limit: int) -> DueEndpoints:
    """Look at up to `limit` endpoints with pending deliveries, in the order of their ids.

    Args:
        after: `FIRST`, or `next_after` of the part before.
    """
    steps = sql.all(_DUE, after=after, limit=limit)
    is_cut = bool(steps) and steps[-1][2]
    return DueEndpoints([endpoint for endpoint, is_due, _ in steps if is_due], steps[-1][0].id if is_cut else FIRST)


# An array, not a join: the planner would expect many rows, and read the whole table for a join. `statement_timestamp()`
# is stable, so the index gives the due rows alone. `clock_timestamp()` would be compared with each pending row.
_CLAIM = returns(Claimed)(f"""
    WITH chosen AS (
        SELECT first.id FROM unnest(%(endpoints)s::uuid[], %(rooms)s::integer[]) AS asked (endpoint_id, room)
        CROSS JOIN LATERAL (
            SELECT id FROM webhook_deliveries
            WHERE endpoint_id = asked.endpoint_id AND state = 'pending' AND next_at <= statement_timestamp()
              AND {IS_FREE}
            ORDER BY next_at LIMIT asked.room FOR UPDATE SKIP LOCKED
        ) AS first
    )
    UPDATE webhook_deliveries AS delivery
    SET lease_until = now() + make_interval(secs => %(lease_seconds)s),
        next_at = now() + make_interval(secs => %(lease_seconds)s),
        tries = delivery.tries + 1
    FROM webhook_endpoints AS endpoint
    WHERE delivery.id = ANY(ARRAY(SELECT id FROM chosen)) AND endpoint.id = delivery.endpoint_id AND {_IS_OPEN}
    RETURNING delivery.id AS delivery_id, delivery.endpoint_id, endpoint.url, endpoint.secret,
        CASE WHEN endpoint.earlier_secret_until > now() THEN endpoint.earlier_secret END AS earlier_secret,
        delivery.event_id, delivery.type, delivery.data, delivery.created_at, delivery.tries, delivery.lease_until,
        delivery.generation_id,
        (SELECT traceparent FROM generations WHERE generations.id = delivery.generation_id) AS traceparent
""")  # noqa: S608 -- constants


def claim(sql: Sql, rooms: Mapping[UUID, int], *, lease_seconds: float) -> list[Claimed]:
    """Claim due deliveries: of each endpoint at most as many as it has room.

    Several processes may claim at once. A claim without a result ends by itself after `lease_seconds`.
    """
    return sql.all(_CLAIM, endpoints=list(rooms), rooms=list(rooms.values()), lease_seconds=lease_seconds)


_HAND_BACK: Final = """
    UPDATE webhook_deliveries AS delivery SET lease_until = NULL, next_at = now(), tries = tries - 1
    FROM unnest(%(ids)s::uuid[], %(leases)s::timestamptz[]) AS given (id, lease_until)
    WHERE delivery.id = given.id AND delivery.lease_until = given.lease_until AND delivery.state = 'pending'
"""


def hand_back(sql: Sql, claims: Collection[Claimed]) -> None:
    """Give up claims whose try has no result, so that other processes go on at once."""
    sql.run(_HAND_BACK, ids=[each.delivery_id for each in claims], leases=[each.lease_until for each in claims])


# The order of the ids: two processes that record the same deliveries do not wait for each other for ever.
_LOCK: Final = "SELECT FROM webhook_deliveries WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE"

_ADD_ATTEMPTS: Final = """
    INSERT INTO webhook_attempts (delivery_id, number, began_at, status, seconds, error, answer)
    SELECT tried.id, row_number() OVER (PARTITION BY tried.id ORDER BY began_at) + coalesce(
        (SELECT max(number) FROM webhook_attempts AS earlier WHERE earlier.delivery_id = tried.id), 0
    ), began_at, status, seconds, error, nullif(answer, '')
    FROM unnest(
        %(ids)s::uuid[], %(times)s::timestamptz[], %(statuses)s::smallint[], %(seconds)s::float[], %(errors)s::text[],
        %(answers)s::text[]
    ) AS tried (id, began_at, status, seconds, error, answer)
    WHERE EXISTS (SELECT FROM webhook_deliveries WHERE id = tried.id)
"""

MOST_ATTEMPTS: Final = 100
"""The newest attempts of a delivery that are kept."""

_TRIM: Final = """
    DELETE FROM webhook_attempts AS old
    WHERE delivery_id = ANY(%(ids)s) AND number <= (
        SELECT max(number) - %(most)s FROM webhook_attempts AS newest WHERE newest.delivery_id = old.delivery_id
    )
"""

_SETTLE: Final = """
    UPDATE webhook_deliveries AS delivery
    SET state = tried.state,
        lease_until = NULL,
        next_at = now() + make_interval(secs => coalesce(tried.wait_seconds, 0)),
        ended_at = CASE WHEN tried.wait_seconds IS NULL THEN now() END
    FROM unnest(%(ids)s::uuid[], %(leases)s::timestamptz[], %(states)s::text[], %(waits)s::float[])
        AS tried (id, lease_until, state, wait_seconds)
    WHERE delivery.id = tried.id AND delivery.lease_until = tried.lease_until AND delivery.state = 'pending'
"""

_SUCCEEDED: Final = """
    UPDATE webhook_endpoints SET failing_since = NULL WHERE id = ANY(%(ids)s) AND failing_since IS NOT NULL
"""

_FAILED: Final = """
    UPDATE webhook_endpoints SET failing_since = now() WHERE id = ANY(%(ids)s) AND failing_since IS NULL
"""

_PAUSE = returns(Paused)("""
    UPDATE webhook_endpoints SET paused_at = now(), paused_reason = %(reason)s
    WHERE id = ANY(%(ids)s) AND paused_at IS NULL AND deleted_at IS NULL
        AND failing_since <= now() - make_interval(secs => %(after_seconds)s)
    RETURNING id, customer_id, url, paused_at, paused_reason, failing_since
""")

_TELL: Final = """
    INSERT INTO webhook_deliveries (endpoint_id, customer_id, type, data)
    SELECT id, customer_id, %(type)s, %(data)s FROM webhook_endpoints AS endpoint
    WHERE customer_id = %(customer_id)s AND id <> %(paused_id)s AND NOT is_implicit AND deleted_at IS NULL
        AND types && %(filters)s::text[]
"""


def record(sql: Sql, results: Sequence[Tried], *, pause_after_seconds: float) -> list[Paused]:
    """Record the results of tries in the caller's transaction. Returns the endpoints that the results paused.

    A process that lost its claim records its try, and leaves the delivery as it is.
    """
    ids = [each.delivery_id for each in results]
    # Requests of customers lock the endpoint first, and then its deliveries.
    paused = _judge_endpoints(sql, results, pause_after_seconds)
    sql.run(_LOCK, ids=ids)
    sql.run(
        _ADD_ATTEMPTS, ids=ids, times=[each.began_at for each in results], statuses=[each.status for each in results],
        seconds=[each.seconds for each in results], errors=[each.error for each in results],
        answers=[each.answer for each in results],
    )  # fmt: skip
    sql.run(_TRIM, ids=ids, most=MOST_ATTEMPTS)
    sql.run(
        _SETTLE, ids=ids, leases=[each.lease_until for each in results], states=[each.state for each in results],
        waits=[each.wait_seconds for each in results],
    )  # fmt: skip
    return paused


def _judge_endpoints(sql: Sql, results: Sequence[Tried], pause_after_seconds: float) -> list[Paused]:
    good = {each.endpoint_id for each in results if each.error is None}
    bad = sorted({each.endpoint_id for each in results} - good)
    gone = sorted({each.endpoint_id for each in results if each.is_gone})
    if good:
        sql.run(_SUCCEEDED, ids=sorted(good))
    if not bad:
        return []
    sql.run(_FAILED, ids=bad)
    paused = sql.all(_PAUSE, ids=gone, after_seconds=0, reason=PauseReason.GONE) if gone else []
    paused += sql.all(_PAUSE, ids=bad, after_seconds=pause_after_seconds, reason=PauseReason.FAILING)
    for each in paused:
        _tell(sql, each)
    return paused


def _tell(sql: Sql, paused: Paused) -> None:
    """Tell the pause to the customer's other endpoints."""
    data = {
        "endpoint_id": str(paused.id),
        "url": paused.url,
        "reason": paused.paused_reason,
        "paused_at": paused.paused_at.isoformat(),
        "failing_since": paused.failing_since and paused.failing_since.isoformat(),
    }
    sql.run(
        _TELL, type=EventType.ENDPOINT_PAUSED, data=Jsonb(data), customer_id=paused.customer_id, paused_id=paused.id,
        filters=list(filters_for(EventType.ENDPOINT_PAUSED)),
    )  # fmt: skip


_GIVE_UP: Final = """
    UPDATE webhook_deliveries AS delivery SET state = %(state)s, lease_until = NULL, ended_at = now()
    WHERE id = ANY(%(ids)s) AND state = 'pending'
"""


def give_up(sql: Sql, deliveries: Collection[UUID], state: DeliveryState) -> None:
    """End deliveries without a try: their event no longer exists, or the results of their tries are lost."""
    sql.run(_GIVE_UP, ids=list(deliveries), state=state)
