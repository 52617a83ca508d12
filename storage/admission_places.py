"""Where generations stand before their provider accounts, and what decides about the next starts there.

Every count is bounded, so a read costs as much with a million waiting generations as with some thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from schemas.limits import HeldBy, Place
from schemas.names import ProviderName, is_twin
from schemas.tables import AT_TWIN
from storage.sql import Sql, returns

_MOST_AHEAD = 5000
_MOST_OF_A_CUSTOMER = 10_000
_MOST_IN_FLIGHT = 2000
_NEWEST = 50
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
    count: int
    """The creates in the window."""
    oldest: float | None
    """The seconds since the oldest of them. None: there are none."""
    newest: float | None
    """The seconds since the newest of them. None: there are none."""


class AccountFacts(BaseModel):
    """What decides about the next starts at an account."""

    limits: dict[str, Any]
    """The limits in force."""
    closed_seconds: float
    """The seconds for which the account is still closed."""
    at_work: list[tuple[str, float, float]]
    """Of each generation in flight: the pool, the seconds since its grant, the usual seconds of its model."""
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

# A window is as long here as for the decision (`admission_room`). A create that has not left has a time in the future.
_FACTS = returns(AccountFacts)(f"""
    WITH account AS (
        SELECT admission_limits(a) AS limits, closed_until FROM admission_accounts a WHERE provider = %(provider)s
    ), at_work AS MATERIALIZED (
        SELECT pool, model, charge, extract(epoch FROM clock_timestamp() - granted_at)::float8 AS since
        FROM admissions WHERE provider = %(provider)s AND place = 'granted' LIMIT %(most)s
    ), usual AS MATERIALIZED (
        SELECT model, (
            SELECT avg(extract(epoch FROM rendered_at - started_at))::float8 FROM (
                SELECT provider, started_at, rendered_at FROM generations
                WHERE model = models.model AND {AT_TWIN} = %(is_test)s AND stage = 'completed'
                ORDER BY finished_at DESC LIMIT %(newest)s
            ) AS newest
            WHERE provider = %(provider)s AND rendered_at >= started_at
        ) AS seconds
        FROM (SELECT DISTINCT model FROM at_work) AS models
    ), windows AS (
        SELECT '' AS pool, rate FROM account, jsonb_array_elements(coalesce(limits->'creates', '[]')) AS rate
        UNION ALL
        SELECT family.key, rate
        FROM account, jsonb_each(coalesce(limits->'families', '{{}}')) AS family,
            jsonb_array_elements(coalesce(family.value->'creates', '[]')) AS rate
    )
    SELECT limits,
        greatest(0, coalesce(extract(epoch FROM closed_until - clock_timestamp())::float8, 0)) AS closed_seconds,
        (
            SELECT coalesce(jsonb_agg(jsonb_build_array(
                pool, since, coalesce(seconds, nullif(charge, 0), %(unknown)s::float8)
            )), '[]')
            FROM at_work JOIN usual USING (model)
        ) AS at_work,
        (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'pool', pool, 'most', rate->'most', 'seconds', seconds, 'count', number,
                'oldest', extract(epoch FROM clock_timestamp() - oldest)::float8,
                'newest', extract(epoch FROM clock_timestamp() - newest)::float8
            )), '[]')
            FROM windows
            CROSS JOIN LATERAL (
                SELECT (rate->>'seconds')::float8 + least(1, 0.1 + (rate->>'seconds')::float8 * 0.01) AS seconds
            ) AS padded
            CROSS JOIN LATERAL (
                SELECT count(*) AS number, min(least(at, clock_timestamp())) AS oldest,
                       max(least(at, clock_timestamp())) AS newest
                FROM admission_creates c
                WHERE c.provider = %(provider)s AND (windows.pool = '' OR c.pool = windows.pool)
                    AND at > clock_timestamp() - make_interval(secs => seconds)
            ) AS creates
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
        _FACTS, provider=provider, is_test=is_twin(provider), most=_MOST_IN_FLIGHT, newest=_NEWEST,
        unknown=UNKNOWN_SECONDS,
    )  # fmt: skip


def of_customer(sql: Sql, customer_id: UUID) -> list[OfModel]:
    """A customer's unfinished generations, by model. The counts end at ten thousand."""
    return sql.all(_OF_CUSTOMER, customer_id=customer_id, most=_MOST_OF_A_CUSTOMER)
