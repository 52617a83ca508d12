"""Asks the database which queued generations may go to their provider accounts.

The functions of `storage/migrations/versions/0021_admission.py`, `0028_rest_of_admission.py`, `0036_costs_of_work.py`
and `0037_windows_in_steps.py` decide. Each call here is one statement.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy.exc import DBAPIError

from schemas.enums import Stage
from schemas.errors import LeaseLost
from schemas.limits import AccountLimits, Priority
from schemas.names import ProviderName
from schemas.orders import Route
from storage.claims import Claim
from storage.generations import Wake
from storage.sql import Sql, returns

_LEASE_LOST = "RW001"


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a queued generation asks for."""

    provider: ProviderName
    """The account."""
    pool: str
    """The family of models within the account, or `WHOLE_ACCOUNT`."""
    vendor_model: str
    """The vendor's name of the model."""
    priority: Priority
    """The priority among the customer's own work."""
    may_use_reserve: bool
    """Whether the generation may take a place of the account's reserve."""
    cost: float
    """The expected seconds at the vendor. They count until ends have taught the account the real ones."""
    flow: str
    """The API key or the batch. The customer's work takes turns by it."""
    work_seconds: float | None
    """The seconds from the grant to the deadline. None: the deadline counts from acceptance."""
    start_by: datetime | None
    """The time after which the generation does not start any more. None: no such time."""


@dataclass(frozen=True)
class Granted:
    """A generation that may go now."""

    generation_id: UUID
    """The generation."""
    attempt: int
    """The number of its claims so far."""
    waited_seconds: float
    """The seconds since the ask."""

    @property
    def wake(self) -> Wake:
        """The wake-up of the generation."""
        return Wake(self.generation_id, Stage.QUEUED, self.attempt)


_ASK = returns(Granted)("""
    SELECT granted AS generation_id, its_attempt AS attempt, waited_seconds FROM admission_ask(
        %(id)s, %(token)s, %(provider)s::text, %(pool)s::text, %(model)s::text, %(vendor_model)s::text, %(lane)s,
        %(priority)s, %(may_use_reserve)s, %(cost)s::float8, %(flow)s::text, %(work_seconds)s::float8,
        %(start_by)s::timestamptz, %(longest_wait)s::float8, %(most)s, %(wake_in)s::float8
    )
""")

_GRANT = returns(Granted)("""
    SELECT granted AS generation_id, its_attempt AS attempt, waited_seconds
    FROM admission_grant(%(provider)s::text, %(most)s, %(wake_in)s::float8, NULL)
""")

# A walk along the index: one step for each account, however many generations wait.
_WAITING_ACCOUNTS = returns(str)("""
    WITH RECURSIVE waiting AS (
        (SELECT provider FROM admissions WHERE place = 'waiting' ORDER BY provider LIMIT 1)
        UNION ALL
        SELECT (
            SELECT provider FROM admissions a WHERE place = 'waiting' AND a.provider > waiting.provider
            ORDER BY provider LIMIT 1
        )
        FROM waiting WHERE waiting.provider IS NOT NULL
    )
    SELECT provider FROM waiting WHERE provider IS NOT NULL
""")

_WAITS = returns(bool)("SELECT place IN ('waiting', 'held') FROM admissions WHERE generation_id = %(generation_id)s")

_DECLARE = """
    INSERT INTO admission_accounts (provider, declared, limits_at)
    SELECT key, value, clock_timestamp() FROM jsonb_each(%(limits)s::jsonb)
    ON CONFLICT (provider) DO UPDATE SET declared = excluded.declared, limits_at = excluded.limits_at
    WHERE admission_accounts.declared <> excluded.declared
"""

# Other processes send generations without a place as long as their views last. So the count is repeated for a while.
_UNCOUNTED = returns(lambda provider, limits: (provider, AccountLimits.model_validate(limits)))("""
    SELECT provider, coalesce(override, declared) FROM admission_accounts
    WHERE limits_at IS NOT NULL AND (counted_at IS NULL OR counted_at < limits_at + interval '3 seconds')
""")

_LIMITS_OF = returns(lambda limits: AccountLimits.model_validate(limits))("""
    SELECT coalesce(override, declared) FROM admission_accounts WHERE provider = %(provider)s
""")

_AT_ACCOUNT = """
    FROM generations
    WHERE provider = %(provider)s AND stage IN ('submitting', 'generating') AND wake_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM admissions WHERE generation_id = id)
"""

_VENDOR_MODELS = returns(str)(f"""
    SELECT vendor_model FROM admissions WHERE provider = %(provider)s
    UNION
    SELECT "order"->'routes'->route_index->>'model' {_AT_ACCOUNT}
""")  # noqa: S608 -- a constant

_COUNT = f"""
    INSERT INTO admissions (
        generation_id, provider, pool, customer_id, model, vendor_model, place, lane, priority, may_use_reserve,
        charge, turn, flow, flow_turn, granted_at
    )
    SELECT id, provider, coalesce(%(pools)s::jsonb->>("order"->'routes'->route_index->>'model'), ''), customer_id,
           model, "order"->'routes'->route_index->>'model', 'granted', 0, 1, false, 0, 0, '-', 0, clock_timestamp()
    {_AT_ACCOUNT}
    -- A generation that moves on at this moment must not leave a place behind.
    FOR SHARE OF generations SKIP LOCKED
    ON CONFLICT DO NOTHING
"""

# Whoever waits gets a ticket in the new pool.
_MOVE_TO_POOLS = """
    WITH account AS (SELECT * FROM admission_accounts WHERE provider = %(provider)s FOR UPDATE), moved AS (
        UPDATE admissions SET pool = coalesce(%(pools)s::jsonb->>vendor_model, '') FROM account
        WHERE admissions.provider = account.provider AND pool <> coalesce(%(pools)s::jsonb->>vendor_model, '')
        RETURNING admissions.*
    )
    SELECT admission_queue(first, false) FROM (
        SELECT DISTINCT ON (pool, lane, customer_id) moved::admissions AS first FROM moved WHERE place = 'waiting'
    ) AS queues
"""

_COUNTED = "UPDATE admission_accounts SET counted_at = clock_timestamp() WHERE provider = %(provider)s"


@dataclass(frozen=True)
class View:
    """What a process must know to decide which generations need to ask for a place."""

    limits: Mapping[ProviderName, AccountLimits]
    """The limits in force of the accounts that have any."""
    closed: frozenset[ProviderName]
    """The accounts that take nothing now, and those whose limits were learned from refusals."""
    spent: frozenset[ProviderName]
    """The accounts that are out of money, or of generations of the day, since the vendor last accepted a create."""
    shut: frozenset[ProviderName]
    """The accounts among the spent ones that are not tried before a time."""
    waiting: frozenset[ProviderName]
    """The accounts for which generations wait."""
    open_routes: frozenset[Route]
    """The routes whose circuit breaker is open or half-open."""
    has_pauses: bool
    """Whether an operator paused anything."""
    limited: frozenset[UUID] | None
    """The customers whose orders may wait at a limit of theirs or of a key. None: very many, or not known by name."""


_MOST_LIMITED = 1000

# The key of a service acts for many customers: it stands as NULL. A customer's test key acts for the test customer.
_CUSTOMER_OF_KEY = """
    CASE WHEN key.is_test THEN test.id ELSE key.customer_id END
    FROM api_keys AS key LEFT JOIN customers AS test ON test.test_of = key.customer_id
"""

# Orders that were accepted to wait do so whatever the limits say now. A walk along the index finds their holders: one
# step for each, however many orders wait.
_LIMITED = f"""
    WITH RECURSIVE holders AS (
        (
            SELECT holder_id, key_id FROM quota_orders WHERE waits AND day IS NULL
            ORDER BY holder_id LIMIT 1
        )
        UNION ALL
        SELECT following.* FROM holders CROSS JOIN LATERAL (
            SELECT holder_id, key_id FROM quota_orders o
            WHERE waits AND day IS NULL AND o.holder_id > holders.holder_id ORDER BY holder_id LIMIT 1
        ) AS following
    )
    SELECT customer_id FROM customer_limits
    WHERE on_limit = 'wait' AND coalesce(in_flight, per_day, credits_per_day) IS NOT NULL
    UNION
    SELECT holder_id FROM holders WHERE key_id IS NULL
    UNION
    SELECT {_CUSTOMER_OF_KEY}
    WHERE on_limit = 'wait' AND coalesce(key.in_flight, per_day, daily_cap) IS NOT NULL AND (
        (key.revoked_at IS NULL AND coalesce(key.expires_at > now(), true))
        OR EXISTS (SELECT FROM quota_orders WHERE holder_id = coalesce(key.spends_as, key.id))
    )
    UNION
    SELECT {_CUSTOMER_OF_KEY} JOIN holders ON holders.holder_id = key.id AND holders.key_id IS NOT NULL
"""  # noqa: S608 -- constants


def view(sql: Sql) -> View:
    """The view of this moment."""
    accounts, waiting, open_routes, has_pauses, limited = sql.all(_VIEW)[0]
    return View(
        limits={name: AccountLimits.model_validate(one["limits"]) for name, one in accounts.items() if one["limits"]},
        closed=frozenset(name for name, one in accounts.items() if one["is_closed"]),
        spent=frozenset(name for name, one in accounts.items() if one["is_spent"]),
        shut=frozenset(name for name, one in accounts.items() if one["is_spent"] and one["is_shut"]),
        waiting=frozenset(waiting),
        open_routes=frozenset(Route.model_validate(one) for one in open_routes),
        has_pauses=has_pauses,
        limited=None if None in limited or len(limited) > _MOST_LIMITED else frozenset(limited),
    )


_VIEW = returns(lambda *row: row)(f"""
    SELECT
        (SELECT coalesce(jsonb_object_agg(provider, jsonb_build_object(
            'limits', coalesce(override, declared),
            'is_spent', coalesce(closed_reason IN ('no_money', 'daily'), false),
            'is_shut', coalesce(closed_until > clock_timestamp(), false),
            'is_closed', coalesce(closed_until > clock_timestamp(), false)
                OR coalesce(closed_reason IN ('no_money', 'daily'), false)
                OR admission_learned_in_flight(admission_accounts) IS NOT NULL
                OR coalesce(admission_rate_factor(admission_accounts) < 1, false)
        )), '{{}}') FROM admission_accounts),
        ARRAY({_WAITING_ACCOUNTS.text}),
        (SELECT coalesce(jsonb_agg(jsonb_build_object('provider', provider, 'model', vendor_model)), '[]')
            FROM route_health WHERE opened_at IS NOT NULL),
        EXISTS (SELECT FROM admission_pauses),
        ARRAY({_LIMITED} LIMIT {_MOST_LIMITED + 1})
""")  # noqa: S608 -- a constant


def ask(
    sql: Sql, claim: Claim, wanted: Ask, *, longest_wait: float, most: int, wake_in: float
) -> tuple[bool, list[Granted]]:
    """Ask for a place. Returns whether the generation has one, and others that got one by the same decision.

    If the generation has to wait, the claim has ended.

    Args:
        longest_wait: the seconds after which a generation that still waits is looked at.
        most: the most grants of one decision.
        wake_in: the seconds after which the waker wakes a granted generation whose wake-up was lost.

    Raises:
        LeaseLost: this worker lost the claim.
    """
    try:
        granted = sql.all(
            _ASK, id=claim.id, token=claim.token, provider=wanted.provider, pool=wanted.pool,
            model=claim.order.model, vendor_model=wanted.vendor_model,
            lane=int(wanted.priority is Priority.LOW), priority=int(wanted.priority),
            may_use_reserve=wanted.may_use_reserve, cost=wanted.cost, flow=wanted.flow,
            work_seconds=wanted.work_seconds, start_by=wanted.start_by, longest_wait=longest_wait, most=most,
            wake_in=wake_in,
        )  # fmt: skip
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error) and error.orig.sqlstate == _LEASE_LOST:
            raise LeaseLost(f"generation {claim.id} is no longer this worker's") from error
        raise
    others = [one for one in granted if one.generation_id != claim.id]
    return len(others) < len(granted), others


def grant(sql: Sql, provider: ProviderName, *, most: int, wake_in: float) -> list[Granted]:
    """Give free places of an account to the generations that are next. They need wake-ups."""
    return sql.all(_GRANT, provider=provider, most=most, wake_in=wake_in)


def waiting_accounts(sql: Sql) -> list[ProviderName]:
    """The accounts for which generations wait."""
    return sql.all(_WAITING_ACCOUNTS)


def waits(sql: Sql, generation_id: UUID) -> bool:
    """Whether a generation waits for a place."""
    return bool(sql.first(_WAITS, generation_id=generation_id))


def release_held(sql: Sql, *, most: int, low_waits: float) -> None:
    """Put generations back into the queue whose reason to be held is gone: so many of each customer and model.

    Args:
        low_waits: the seconds after which work of low priority takes turns like all other work.
    """
    sql.run("SELECT admission_release_held(%(most)s, %(low_waits)s::float8)", most=most, low_waits=low_waits)


def declare(sql: Sql, limits: Mapping[ProviderName, AccountLimits]) -> None:
    """Write the limits of the settings. The newest process wins: a deployment changes the limits of all processes."""
    given = {name: one.model_dump(mode="json", exclude_defaults=True) for name, one in limits.items()}
    sql.run(_DECLARE, limits=Jsonb(given))


def count_all(sql: Sql) -> None:
    """For accounts whose limits changed: count the work that is there already, by the families of the new limits."""
    for provider, limits in sql.all(_UNCOUNTED):
        pools: dict[str, str] = {} if limits.is_unlimited else _count(sql, provider, limits)
        sql.run(_MOVE_TO_POOLS, provider=provider, pools=Jsonb(pools))
        sql.run(_COUNTED, provider=provider)


def count_work_at(sql: Sql, provider: ProviderName) -> None:
    """Count the work that is at an account already, where the account may have had no limits so far."""
    for limits in sql.all(_LIMITS_OF, provider=provider):
        _count(sql, provider, limits)


def _count(sql: Sql, provider: ProviderName, limits: AccountLimits) -> dict[str, str]:
    """Count the work at an account. Returns the pool of each of the vendor's models there."""
    pools = {model: limits.pool_of(model) for model in sql.all(_VENDOR_MODELS, provider=provider)}
    sql.run(_COUNT, provider=provider, pools=Jsonb(pools))
    return pools


def leave(sql: Sql, generation_id: UUID) -> None:
    """A generation leaves the queue of its account for another one. Its deadline counts from now on."""
    sql.run(_LEAVE, id=generation_id)


_LEAVE = """
    WITH gone AS (
        DELETE FROM admissions WHERE generation_id = %(id)s RETURNING generation_id, place, work_seconds, create_id
    ), unused AS (
        DELETE FROM admission_creates USING gone WHERE id = gone.create_id AND place = 'granted'
    )
    UPDATE generations SET deadline_at = clock_timestamp() + make_interval(secs => work_seconds)
    FROM gone WHERE id = generation_id AND place IN ('waiting', 'held') AND work_seconds IS NOT NULL
"""
