"""Where generations stand before their provider accounts, and what decides about the next starts there.

Every count of what waits is bounded, so a read costs as much with a million waiting generations as with some thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from schemas.limits import HeldBy, Place
from schemas.names import ProviderName
from storage.sql import Sql, returns

_MOST_AHEAD = 5000
_MOST_OF_A_CUSTOMER = 10_000
_MOST_IN_FLIGHT = 2000
_MOST_WAITING = 10_000
_NEXT = 100
UNKNOWN_SECONDS = 30.0
"""The time of a generation, where nothing is known of its model."""


@dataclass(frozen=True)
class Standing:
    """Where a generation stands before its account."""

    generation_id: UUID
    """The generation."""
    provider: ProviderName
    """The account."""
    pool: str
    """The family of models."""
    place: Place
    """Its place."""
    held_by: HeldBy | None
    """Why it is out of the queue, or will be when its turn comes."""
    waits_for_the_day: bool
    """Whether it waits for the end of a day, because a limit of that day is used up."""
    may_use_reserve: bool
    """Whether it may take a place of the reserve."""
    ahead_in_pool: int
    """The generations of the same family that go first."""
    ahead_at_account: int
    """The generations of all families that go first."""


@dataclass(frozen=True)
class Candidate:
    """An order that is not made yet."""

    model: str
    """Our name of the model."""
    provider: ProviderName
    """The account."""
    vendor_model: str
    """The vendor's name of the model."""
    pool: str
    """The family of models."""


@dataclass(frozen=True)
class Outlook:
    """Where an order would stand, if it came now."""

    is_paused: bool
    """Whether a pause would hold it."""
    is_away: bool
    """Whether the circuit breaker of the route is open."""
    is_shut: bool
    """Whether the account is out of money, or of generations of the day."""
    ahead_in_pool: int
    """The generations of the same family that would go first."""
    ahead_at_account: int
    """The generations of all families that would go first."""


class Window(BaseModel):
    """The creates in one window of a limit."""

    pool: str
    """The family of models. Empty: the whole account."""
    most: int
    """The most creates."""
    seconds: float
    """The length of the window."""
    step_seconds: float | None
    """The seconds in which a fifth of the creates goes at most, while more waits than there is room for. None: such a
    window has no steps."""
    waiting: int
    """The generations that wait for the window, up to ten thousand. 0 where the window has no steps."""
    creates: list[tuple[int, float, float]]
    """The creates in the window, by tenths of it, the oldest first: how many, and the seconds since the oldest and the
    newest of them."""


class NextWork(BaseModel):
    """A generation that is among the next of its family."""

    pool: str
    """The family of models."""
    lane: int
    """The lane: 1 is idle time."""
    turn: float
    """The turn."""
    seconds: float
    """The seconds that such work takes."""


class AccountFacts(BaseModel):
    """What decides about the next starts at an account."""

    limits: dict[str, Any]
    """The limits in force."""
    closed_seconds: float
    """The seconds for which the account is still closed."""
    in_flight: dict[str, int]
    """The generations in flight, by pool."""
    at_work: list[tuple[str, float, float]]
    """Of each generation in flight, up to two thousand: the pool, the seconds since its grant, the seconds that such
    work takes."""
    next_work: list[NextWork]
    """The first hundred that wait, of each family."""
    windows: list[Window]
    """The windows of creates."""


@dataclass(frozen=True)
class OfModel:
    """A customer's unfinished generations of a model."""

    model: str
    """The model."""
    waiting: int
    """Those that no provider has yet."""
    in_flight: int
    """Those that a provider has."""
    next_id: UUID | None
    """The first of those that wait for a place."""


# A condition on a `provider` and a `vendor_model` of a table: the breaker is open, and no create may be its probe.
_IS_AWAY = """
    EXISTS (
        SELECT FROM route_health route
        WHERE route.provider = {0}.provider AND route.vendor_model = {0}.vendor_model AND opened_at IS NOT NULL
            AND NOT route_takes_probe(route)
    )
"""

# What waits is held when its turn comes, and not before.
_STANDINGS = returns(Standing)(f"""
    SELECT generation_id, provider, pool, place,
           CASE
               WHEN place <> 'waiting' THEN held_by
               WHEN admission_is_paused(a) THEN 'pause'
               WHEN {_IS_AWAY.format("a")} THEN 'route'
           END AS held_by,
           place = 'held' AND held_by = 'customer' AND quota_day_is_full(generation_id) AS waits_for_the_day,
           may_use_reserve,
           ahead.in_pool AS ahead_in_pool, ahead.at_account AS ahead_at_account
    FROM admissions a
    CROSS JOIN LATERAL admission_ahead(provider, pool, lane, admission_ticket(a), %(most)s) AS ahead
    WHERE generation_id = ANY(%(ids)s)
""")  # noqa: S608 -- a constant

_OUTLOOKS = returns(Outlook)(f"""
    SELECT
        EXISTS (
            SELECT FROM admission_pauses WHERE (scope, name) IN (
                ('model', wanted.model), ('provider', wanted.provider), ('customer', %(customer_id)s::text),
                ('route', wanted.provider || '/' || wanted.vendor_model)
            )
        ) AS is_paused,
        {_IS_AWAY.format("wanted")} AS is_away,
        EXISTS (
            SELECT FROM admission_accounts account
            WHERE account.provider = wanted.provider AND closed_reason IN ('no_money', 'daily')
                AND closed_until > clock_timestamp()
        ) AS is_shut,
        ahead.in_pool AS ahead_in_pool, ahead.at_account AS ahead_at_account
    FROM unnest(%(models)s::text[], %(providers)s::text[], %(vendor_models)s::text[], %(pools)s::text[])
        WITH ORDINALITY AS wanted (model, provider, vendor_model, pool, number)
    CROSS JOIN LATERAL admission_ahead(
        provider, pool, 0, admission_next_turn(provider, %(customer_id)s::uuid), %(most)s
    ) AS ahead
    ORDER BY number
""")  # noqa: S608 -- a constant

# What a generation takes at its account, as its charge says (`admission_charge`). A call of that function for each row
# would cost ten times as much.
_SECONDS = """
    coalesce(
        (
            SELECT cost.seconds FROM generations JOIN admission_costs cost
                ON cost.provider = a.provider AND cost.model = a.model AND cost.duration = admission_duration("order")
            WHERE id = a.generation_id
        ),
        nullif(a.charge, 0) * coalesce((
            SELECT weight FROM customer_limits WHERE customer_limits.customer_id = a.customer_id
        ), 1),
        %(unknown)s::float8
    )
"""

# A window is as long here as for the decision (`admission_room`), and has its steps where the decision makes them. A
# create that has not left has a time in the future.
_FACTS = returns(AccountFacts)(f"""
    WITH account AS (
        SELECT limits, closed_until, coalesce(limits->'families', '{{}}') AS families FROM (
            SELECT admission_limits(a) AS limits, closed_until FROM admission_accounts a WHERE provider = %(provider)s
        ) AS in_force
    ), windows AS (
        SELECT '' AS pool, rate FROM account, jsonb_array_elements(coalesce(limits->'creates', '[]')) AS rate
        UNION ALL
        SELECT family.key, rate
        FROM account, jsonb_each(families) AS family,
            jsonb_array_elements(coalesce(family.value->'creates', '[]')) AS rate
    ), pools AS (
        SELECT '' AS pool, false AS is_full
        UNION ALL
        SELECT key, coalesce(admission_room(%(provider)s::text, key, value, 0) <= 0, false)
        FROM account, jsonb_each(families)
    )
    SELECT limits,
        greatest(0, coalesce(extract(epoch FROM closed_until - clock_timestamp())::float8, 0)) AS closed_seconds,
        (
            SELECT coalesce(jsonb_object_agg(pool, number), '{{}}') FROM (
                SELECT pool, count(*) AS number FROM admissions
                WHERE provider = %(provider)s AND place = 'granted' GROUP BY pool
            ) AS granted
        ) AS in_flight,
        (
            SELECT coalesce(jsonb_agg(jsonb_build_array(
                pool, extract(epoch FROM clock_timestamp() - granted_at)::float8, {_SECONDS}
            )), '[]')
            FROM (SELECT * FROM admissions WHERE provider = %(provider)s AND place = 'granted' LIMIT %(most)s) AS a
        ) AS at_work,
        (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'pool', a.pool, 'lane', lane, 'turn', turn, 'seconds', {_SECONDS}
            )), '[]')
            FROM pools
            CROSS JOIN LATERAL (
                SELECT * FROM admissions
                WHERE provider = %(provider)s AND admissions.pool = pools.pool AND place = 'waiting'
                ORDER BY lane, turn LIMIT %(next)s
            ) AS a
        ) AS next_work,
        (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'pool', pool, 'most', most, 'seconds', padded, 'creates', coalesce(creates, '[]'),
                'step_seconds', CASE WHEN has_steps THEN seconds / 10 END, 'waiting', waiting
            )), '[]')
            FROM (
                SELECT pool, (rate->>'most')::bigint AS most, (rate->>'seconds')::float8 AS seconds FROM windows
            ) AS one
            CROSS JOIN LATERAL (
                SELECT seconds + least(1, 0.1 + seconds * 0.01) AS padded, seconds BETWEEN 5 AND 60 AS has_steps
            ) AS its
            CROSS JOIN LATERAL (
                SELECT count(*) AS waiting FROM pools CROSS JOIN LATERAL (
                    SELECT FROM admissions
                    WHERE has_steps AND provider = %(provider)s AND admissions.pool = pools.pool AND place = 'waiting'
                    LIMIT %(most_waiting)s
                ) AS seen
                WHERE CASE one.pool WHEN '' THEN NOT pools.is_full ELSE pools.pool = one.pool END
            ) AS queue
            CROSS JOIN LATERAL (
                SELECT jsonb_agg(jsonb_build_array(number, oldest, newest) ORDER BY oldest DESC) AS creates
                FROM (
                    SELECT count(*) AS number, max(age) AS oldest, min(age) AS newest FROM (
                        SELECT extract(epoch FROM clock_timestamp() - least(at, clock_timestamp()))::float8 AS age
                        FROM admission_creates c
                        WHERE c.provider = %(provider)s AND (one.pool = '' OR c.pool = one.pool)
                            AND at > clock_timestamp() - make_interval(secs => padded)
                    ) AS ages
                    GROUP BY floor(10 * age / seconds)
                ) AS tenths
            ) AS found
        ) AS windows
    FROM account
""")  # noqa: S608 -- a constant

_OF_CUSTOMER = returns(OfModel)("""
    WITH unfinished AS (
        SELECT model, count(*) FILTER (WHERE waits) AS waiting, count(*) FILTER (WHERE NOT waits) AS in_flight
        FROM (
            (
                SELECT model, true AS waits FROM generations
                WHERE customer_id = %(customer_id)s AND stage = 'queued' AND deleted_at IS NULL LIMIT %(most)s
            )
            UNION ALL
            (
                SELECT model, false FROM generations
                WHERE customer_id = %(customer_id)s AND stage IN ('submitting', 'generating') AND deleted_at IS NULL
                LIMIT %(most)s
            )
        ) AS bounded
        GROUP BY model
    ), first AS (
        SELECT DISTINCT ON (model) model, generation_id FROM (
            SELECT model, generation_id, place, lane, priority, flow_turn, asked_at FROM admissions
            WHERE customer_id = %(customer_id)s AND place IN ('waiting', 'held') LIMIT %(most)s
        ) AS bounded
        ORDER BY model, place DESC, lane, priority DESC, flow_turn, asked_at
    )
    SELECT model, waiting, in_flight, generation_id AS next_id FROM unfinished LEFT JOIN first USING (model)
    ORDER BY model
""")


def standings(sql: Sql, ids: Sequence[UUID]) -> list[Standing]:
    """Where generations stand before their accounts. Leaves out those that never asked for a place."""
    return sql.all(_STANDINGS, ids=list(ids), most=_MOST_AHEAD)


def outlooks(sql: Sql, customer_id: UUID, candidates: Sequence[Candidate]) -> list[Outlook]:
    """Where orders of a customer would stand, in their order."""
    return sql.all(
        _OUTLOOKS, customer_id=customer_id, most=_MOST_AHEAD,
        models=[one.model for one in candidates], providers=[one.provider for one in candidates],
        vendor_models=[one.vendor_model for one in candidates], pools=[one.pool for one in candidates],
    )  # fmt: skip


def facts(sql: Sql, provider: ProviderName) -> AccountFacts | None:
    """What decides about the next starts at an account. None: the account has never had limits or a queue."""
    return sql.first(
        _FACTS, provider=provider, most=_MOST_IN_FLIGHT, most_waiting=_MOST_WAITING, next=_NEXT,
        unknown=UNKNOWN_SECONDS,
    )  # fmt: skip


def of_customer(sql: Sql, customer_id: UUID) -> list[OfModel]:
    """A customer's unfinished generations, by model. The counts end at ten thousand."""
    return sql.all(_OF_CUSTOMER, customer_id=customer_id, most=_MOST_OF_A_CUSTOMER)
