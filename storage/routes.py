"""The health of routes, and their circuit breakers, which all processes share.

The functions of `storage/migrations/versions/0022_routes.py` decide.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from schemas.admission_settings import AdmissionSettings
from schemas.names import ProviderName
from schemas.orders import Route
from schemas.route_tables import BreakerState
from storage.sql import Sql, returns


@dataclass(frozen=True)
class Reported:
    """The state of a breaker after a report."""

    is_open: bool
    """Whether creates wait."""
    change: BreakerState | None
    """The state that the report brought about. None: the report changed nothing."""


_REPORT = returns(lambda is_open, change: Reported(is_open, change and BreakerState(change)))("""
    SELECT is_open, change FROM route_report(
        %(provider)s::text, %(model)s::text, %(generation)s, %(is_create)s, %(answered)s, %(failed)s, %(reason)s::text,
        %(least_failures)s, %(pause)s::float8, %(longest_pause)s::float8
    )
""")

_ADMITS = returns(bool)("SELECT route_admits(%(provider)s::text, %(model)s::text, %(generation)s)")


def report(
    sql: Sql,
    route: Route,
    generation: UUID,
    settings: AdmissionSettings,
    *,
    is_create: bool,
    answered: int,
    reason: str | None,
) -> Reported:
    """Count calls of a route: the answered ones, and one that failed if there is a reason.

    Args:
        generation: the generation of the newest call. Only its probe closes a breaker.
        reason: the failure, without secrets and prompts.
    """
    return sql.all(
        _REPORT, provider=route.provider, model=route.model, generation=generation, is_create=is_create,
        answered=answered, failed=int(reason is not None), reason=reason, least_failures=settings.breaker_failures,
        pause=settings.breaker_pause_seconds, longest_pause=settings.breaker_longest_pause_seconds,
    )[0]  # fmt: skip


def admits(sql: Sql, route: Route, generation: UUID) -> bool:
    """Whether a generation's create may go to a route now. The first one after a pause becomes the probe."""
    return sql.all(_ADMITS, provider=route.provider, model=route.model, generation=generation)[0]


_SHORT_QUEUE = 5

_HAS_SHORT_QUEUE = returns(bool)(f"""
    SELECT count(*) < {_SHORT_QUEUE} FROM admissions
    WHERE customer_id = %(customer)s AND provider = %(provider)s AND place IN ('waiting', 'held')
""")  # noqa: S608 -- a constant

_MOST_QUEUES, _MOST_LOOKS = 40, 2000

# The work that can take another route (the index `ix_admissions_moves`).
_MOVES = "(place = 'waiting' OR (place = 'held' AND held_by = 'route'))"

# A walk along the index: one step for each customer with such work, however much waits. It begins at a random place,
# so that each second looks at other customers.
_QUEUES = f"""
    WITH RECURSIVE walk AS (
        (
            SELECT customer_id FROM admissions a
            WHERE a.provider = away.provider AND a.vendor_model = away.vendor_model AND {_MOVES}
                AND customer_id >= part.low AND customer_id <= part.high
            ORDER BY customer_id LIMIT 1
        )
        UNION ALL
        SELECT (
            SELECT customer_id FROM admissions a
            WHERE a.provider = away.provider AND a.vendor_model = away.vendor_model AND {_MOVES}
                AND customer_id > walk.customer_id AND customer_id <= part.high
            ORDER BY customer_id LIMIT 1
        )
        FROM walk WHERE walk.customer_id IS NOT NULL
    )
    SELECT customer_id FROM walk WHERE customer_id IS NOT NULL LIMIT {_MOST_QUEUES}
"""  # noqa: S608 -- a constant

# Wakes as many generations of each customer as another account takes: its queue stays short for each customer. A worker
# that looked and found no route looks again a quarter of a minute later, or after the next change of the breaker. One
# call looks at some thousands of generations at most, the first ones of some customers.
_WAKE = f"""
    WITH RECURSIVE shut AS (
        SELECT provider FROM admission_accounts
        WHERE closed_reason IN ('no_money', 'daily') AND closed_until > clock_timestamp()
    ), shut_routes AS (
        SELECT provider, (
            SELECT min(vendor_model) FROM admissions a WHERE a.provider = shut.provider AND {_MOVES}
        ) AS vendor_model
        FROM shut
        UNION ALL
        SELECT provider, (
            SELECT min(vendor_model) FROM admissions a
            WHERE a.provider = shut_routes.provider AND {_MOVES} AND a.vendor_model > shut_routes.vendor_model
        )
        FROM shut_routes WHERE vendor_model IS NOT NULL
    ), away AS (
        SELECT provider, vendor_model, changed_at FROM route_health route
        WHERE opened_at IS NOT NULL AND NOT route_takes_probe(route)
        UNION ALL
        SELECT provider, vendor_model, NULL::timestamptz FROM shut_routes WHERE vendor_model IS NOT NULL
    ), queues AS MATERIALIZED (
        SELECT away.*, customer_id
        FROM away
        CROSS JOIN (
            VALUES (%(start)s::uuid, '{UUID(int=2**128 - 1)}'::uuid), ('{UUID(int=0)}'::uuid, %(start)s::uuid)
        ) AS part (low, high)
        CROSS JOIN LATERAL ({_QUEUES}) AS its
        GROUP BY provider, vendor_model, changed_at, customer_id
        ORDER BY random() LIMIT {_MOST_QUEUES}
    ), movable AS (
        SELECT id, customer_id, target, row_number() OVER (
            PARTITION BY customer_id, target ORDER BY priority DESC, flow_turn
        ) AS number
        FROM (
            SELECT g.id, g.customer_id, a.priority, a.flow_turn, (
                SELECT listed.route->>'provider'
                FROM jsonb_array_elements(g."order"->'routes') WITH ORDINALITY AS listed (route, number)
                WHERE (g.routes_given_up >> (listed.number - 1)::integer) & 1 = 0 AND NOT EXISTS (
                    SELECT FROM away AS other WHERE other.provider = listed.route->>'provider'
                        AND other.vendor_model = listed.route->>'model'
                ) AND NOT EXISTS (SELECT FROM shut WHERE shut.provider = listed.route->>'provider')
                ORDER BY listed.number LIMIT 1
            ) AS target
            FROM queues
            CROSS JOIN LATERAL (
                SELECT generation_id, priority, flow_turn FROM admissions
                WHERE provider = queues.provider AND vendor_model = queues.vendor_model AND {_MOVES}
                    AND customer_id = queues.customer_id
                ORDER BY priority DESC, flow_turn
                LIMIT (SELECT {_MOST_LOOKS} / count(*) FROM queues)
            ) AS a
            CROSS JOIN LATERAL (
                SELECT id, customer_id, "order", routes_given_up FROM generations
                WHERE id = a.generation_id AND stage = 'queued' AND lease_token IS NULL
                    AND wake_at > clock_timestamp() + interval '1 second'
                    AND (
                        claimed_at < queues.changed_at + interval '2 seconds'
                        OR claimed_at < clock_timestamp() - interval '15 seconds'
                    )
                -- No join with the whole table.
                OFFSET 0
            ) AS g
        ) AS waiting
        WHERE target IS NOT NULL
    )
    UPDATE generations SET wake_at = clock_timestamp() WHERE id = ANY(ARRAY(
        SELECT id FROM generations WHERE id = ANY(ARRAY(
            SELECT id FROM movable LEFT JOIN admission_accounts account ON account.provider = movable.target
            WHERE number <= CASE
                WHEN coalesce(account.override, account.declared, '{{}}') = '{{}}' THEN 1000
                ELSE {_SHORT_QUEUE} - (
                    SELECT count(*) FROM admissions a
                    WHERE a.customer_id = movable.customer_id AND a.provider = movable.target
                        AND a.place IN ('waiting', 'held')
                )
            END
        ))
        FOR NO KEY UPDATE SKIP LOCKED
    )) AND stage = 'queued' AND lease_token IS NULL
"""  # noqa: S608 -- a constant


def has_short_queue(sql: Sql, customer: UUID, provider: ProviderName) -> bool:
    """Whether few generations of a customer wait for an account."""
    return sql.all(_HAS_SHORT_QUEUE, customer=customer, provider=provider)[0]


def wake_those_with_another_route(sql: Sql) -> None:
    """Wake generations that wait for an open route, as many of each customer as another account takes.

    Each call looks at a part of them, so its cost does not grow with the queue.
    """
    sql.run(_WAKE, start=uuid4())


@dataclass(frozen=True)
class ListedRoute:
    """A route that has failed at least once."""

    provider: ProviderName
    """The account."""
    vendor_model: str
    """The vendor's name of the model."""
    state: BreakerState
    """The state of the breaker."""
    creates: str
    """Of about the last twenty creates of one minute: the failed ones."""
    reads: str
    """Of about the last twenty reads of one minute: the failed ones."""
    open_since: datetime | None
    """Since when the breaker is not closed."""
    retry_at: datetime | None
    """The end of the pause."""
    held: int
    """The generations that wait for the route."""
    reason: str | None
    """The newest failure."""


@dataclass(frozen=True)
class ListedChange:
    """A change of a breaker."""

    at: datetime
    """The time."""
    provider: ProviderName
    """The account."""
    vendor_model: str
    """The vendor's name of the model."""
    state: BreakerState
    """The state from then on."""
    generation_id: UUID | None
    """The generation whose create was the probe."""
    reason: str | None
    """The failure that opened the breaker."""


_LIST = returns(ListedRoute)("""
    SELECT
        provider, vendor_model,
        CASE
            WHEN opened_at IS NULL THEN 'closed' WHEN route_has_probe(route) THEN 'half_open' ELSE 'open'
        END AS state,
        format('%%s of %%s', round(creates_failed), round(creates_failed + creates_answered)) AS creates,
        format('%%s of %%s', round(reads_failed), round(reads_failed + reads_answered)) AS reads,
        opened_at AS open_since, retry_at,
        (SELECT count(*) FROM admissions WHERE place = 'held' AND held_by = 'route'
            AND admissions.provider = route.provider AND admissions.vendor_model = route.vendor_model) AS held,
        reason
    FROM route_health route
    ORDER BY opened_at IS NULL, provider, vendor_model
""")

_CHANGES = returns(ListedChange)("""
    SELECT at, provider, vendor_model, state, generation_id, reason FROM route_changes
    WHERE %(name)s::text IS NULL OR %(name)s::text IN (provider, vendor_model, provider || '/' || vendor_model)
    ORDER BY id DESC LIMIT %(most)s
""")


def listed(sql: Sql) -> list[ListedRoute]:
    """The routes that have failed at least once. Open ones come first."""
    return sql.all(_LIST)


def changes(sql: Sql, *, name: str | None, most: int) -> list[ListedChange]:
    """The newest changes of breakers, newest first.

    Args:
        name: only those of an account, of a vendor's model, or of a route as `account/vendor's model`.
    """
    return sql.all(_CHANGES, name=name, most=most)
