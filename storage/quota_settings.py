"""Sets and reads the limits of customers, and makes unfinished orders count against new limits."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypedDict
from uuid import UUID

from psycopg.types.json import Jsonb

from schemas.quotas import OnLimit, Quota, Used
from storage.admission_control import Reason
from storage.sql import Sql, returns


class LimitChanges(TypedDict, total=False):
    """New limits of a customer. A limit that is left out stays as it is."""

    weight: float
    """The customer's share of each provider account, relative to others."""
    in_flight: int | None
    """The most generations at the same time. None: no limit."""
    per_day: int | None
    """The most generations on one day in UTC. None: no limit."""
    credits_per_day: int | None
    """The most credits on one day in UTC. None: no limit."""
    on_limit: OnLimit
    """What happens to an order over a limit."""


@dataclass(frozen=True)
class CustomerLimits:
    """The share and the limits of a customer."""

    weight: float
    """The share of each provider account, relative to others."""
    quota: Quota
    """The limits."""
    used: Used
    """How much is used."""


NO_LIMITS: Final = CustomerLimits(1.0, Quota(), Used(0, 0, 0))
"""A customer without limits. Nothing is counted."""


def change(sql: Sql, customer_id: UUID, changes: LimitChanges, why: Reason) -> None:
    """Change the limits of a customer, and note who did. Unfinished generations count from now on."""
    # Of two first changes at the same time, the second one waits here, and then changes the row of the first one.
    is_new = sql.first(_FIRST, customer_id=customer_id) is not None
    (before,) = sql.all(_ROW, customer_id=customer_id)
    after = {**before, **changes}
    if after == before:
        return
    sql.run(_CHANGE, customer_id=customer_id, **after)
    sql.run(
        _NOTE, customer_id=str(customer_id), author=why.author, reason=why.text,
        before=None if is_new else Jsonb(before), after=Jsonb(after),
    )  # fmt: skip
    sql.run(_ADOPT_OF_CUSTOMER, customer_id=customer_id)
    sql.run(_ADOPT_PLACES, customer_id=customer_id)


def adopt_of_key(sql: Sql, key_id: UUID, holder_id: UUID) -> None:
    """Count the unfinished generations of a key that has got limits.

    The caller has locked the key, and the holder if that is another key: a grant that counts on the holder waits for
    nothing here, and holds its generation back.
    """
    sql.run(_ADOPT_OF_KEY, key_id=key_id, holder_id=holder_id)
    sql.run(_ADOPT_PLACES_OF_KEY, holder_id=holder_id)


def of_customers(sql: Sql, customer_ids: Collection[UUID]) -> Mapping[UUID, CustomerLimits]:
    """The limits of customers, and what is used. A customer without a row is left out."""
    return dict(sql.all(_OF_CUSTOMERS, ids=list(customer_ids)))


def of_customers_and_tests(
    sql: Sql, customer_ids: Collection[UUID]
) -> tuple[Mapping[UUID, CustomerLimits], Mapping[UUID, CustomerLimits]]:
    """The limits of customers, and those of their test customers, both by the customer."""
    tests = dict(sql.all(_TESTS, ids=list(customer_ids)))
    found = of_customers(sql, [*customer_ids, *tests])
    return found, {tests[one]: limits for one, limits in found.items() if one in tests}


def used_by_keys(sql: Sql, holder_ids: Collection[UUID]) -> Mapping[UUID, Used]:
    """What the keys under these ids (`Spender.key_id`) have used of their limits."""
    return dict(sql.all(_USED, ids=list(holder_ids)))


_FIELDS = """jsonb_build_object(
        'in_flight', in_flight, 'per_day', per_day, 'credits_per_day', credits_per_day, 'on_limit', on_limit
    )"""

_FIRST = returns(bool)("""
    INSERT INTO customer_limits (customer_id) VALUES (%(customer_id)s) ON CONFLICT DO NOTHING RETURNING true
""")

_ROW = returns(lambda row: row)(f"""
    SELECT {_FIELDS} || jsonb_build_object('weight', weight) FROM customer_limits
    WHERE customer_id = %(customer_id)s FOR NO KEY UPDATE
""")  # noqa: S608 -- a constant

_CHANGE = """
    UPDATE customer_limits SET
        weight = %(weight)s, in_flight = %(in_flight)s, per_day = %(per_day)s, credits_per_day = %(credits_per_day)s,
        on_limit = %(on_limit)s
    WHERE customer_id = %(customer_id)s
"""

_NOTE = """
    INSERT INTO admission_changes (id, author, action, scope, name, reason, before, after)
    VALUES (
        gen_random_uuid(), %(author)s, 'set', 'customer_limits', %(customer_id)s, %(reason)s, %(before)s, %(after)s
    )
"""

# The order of locks is that of a worker: the limits, the generation, and then the rows that count it. A row that stays
# as it is gets no lock. An order that was accepted to wait stays so. One that was not waits from now on, if the limits
# say so.
_ADOPTED = """
    FOR SHARE OF g
    ON CONFLICT (generation_id, holder_id) DO UPDATE SET waits = true WHERE excluded.waits AND NOT quota_orders.waits
"""

_IS_COUNTED = """
    SELECT FROM quota_orders o
    WHERE o.generation_id = g.id AND o.holder_id = {holder} AND (o.waits OR {limits}.on_limit <> 'wait')
"""

_ADOPT_OF_CUSTOMER = f"""
    INSERT INTO quota_orders (generation_id, holder_id, credits, waits)
    SELECT g.id, g.customer_id, g.credits, l.on_limit = 'wait'
    FROM generations g JOIN customer_limits l USING (customer_id)
    WHERE g.customer_id = %(customer_id)s AND g.wake_at IS NOT NULL
        AND coalesce(l.in_flight, l.per_day, l.credits_per_day) IS NOT NULL
        AND NOT EXISTS ({_IS_COUNTED.format(holder="g.customer_id", limits="l")})
    {_ADOPTED}
"""  # noqa: S608 -- a constant

# A place is counted by its row, and so far the generations of this customer needed none.
_ADOPT_PLACES = """
    INSERT INTO admissions (
        generation_id, provider, customer_id, model, vendor_model, place, lane, priority, may_use_reserve, charge, turn,
        flow, flow_turn, granted_at
    )
    SELECT id, provider, customer_id, model, "order"->'routes'->route_index->>'model', 'granted', 0, 1, false, 0, 0,
           '-', 0, clock_timestamp()
    FROM generations
    WHERE customer_id = %(customer_id)s AND stage IN ('submitting', 'generating') AND wake_at IS NOT NULL
    -- A generation that moves on at this moment must not leave a place behind.
    FOR SHARE OF generations
    ON CONFLICT DO NOTHING
"""

# The orders of keys that count together count, each under the limits of its own key. An order that the release before
# accepted does not name its key.
_ADOPT_OF_KEY = f"""
    INSERT INTO quota_orders (generation_id, holder_id, key_id, credits, waits)
    SELECT g.id, %(holder_id)s, key.id, CASE WHEN hold.is_uncounted THEN g.credits ELSE 0 END, key.on_limit = 'wait'
    FROM generations g JOIN ledger_transfers hold ON hold.generation_id = g.id AND hold.kind = 'hold'
    JOIN api_keys key ON key.id = coalesce((g."order"->>'key_id')::uuid, %(key_id)s)
    WHERE g.wake_at IS NOT NULL AND hold.key_id = %(holder_id)s
        AND NOT EXISTS ({_IS_COUNTED.format(holder="%(holder_id)s", limits="key")})
    {_ADOPTED}
"""  # noqa: S608 -- a constant

# Work that has a place, or waits for one, counts for the key from now on.
_ADOPT_PLACES_OF_KEY = """
    WITH its AS (
        SELECT generation_id, holder_id FROM quota_orders WHERE holder_id = %(holder_id)s AND key_id IS NOT NULL
    ), placed AS (
        INSERT INTO admissions (
            generation_id, provider, customer_id, model, vendor_model, place, lane, priority, may_use_reserve, charge,
            turn, flow, flow_turn, granted_at, key_id
        )
        SELECT id, provider, customer_id, model, "order"->'routes'->route_index->>'model', 'granted', 0, 1, false, 0, 0,
               '-', 0, clock_timestamp(), its.holder_id
        FROM generations JOIN its ON its.generation_id = id
        WHERE stage IN ('submitting', 'generating') AND wake_at IS NOT NULL
        FOR SHARE OF generations
        ON CONFLICT DO NOTHING
    )
    UPDATE admissions SET key_id = its.holder_id FROM its
    WHERE admissions.generation_id = its.generation_id AND admissions.key_id IS NULL
"""


_TESTS = returns(lambda test_id, customer_id: (test_id, customer_id))(
    "SELECT id, test_of FROM customers WHERE test_of = ANY(%(ids)s::uuid[])"
)


def _limits(customer_id: UUID, weight: float, stored: Mapping[str, object], *used: int) -> tuple[UUID, CustomerLimits]:
    return customer_id, CustomerLimits(weight, Quota.of(stored), Used(*used))


# With `wait`, generations count once they have a place.
_OF_CUSTOMERS = returns(_limits)(f"""
    SELECT customer_id, weight, {_FIELDS},
        CASE on_limit
            WHEN 'wait' THEN (
                SELECT count(*) FROM admissions a WHERE a.customer_id = l.customer_id AND place = 'granted'
            )
            ELSE (SELECT count(*) FROM quota_orders WHERE holder_id = l.customer_id)
        END,
        coalesce(begun.orders, 0), coalesce(begun.credits, 0)
    FROM customer_limits l
    LEFT JOIN key_spending begun ON begun.key_id = l.customer_id AND begun.day = quota_today()
    WHERE customer_id = ANY(%(ids)s::uuid[])
""")  # noqa: S608 -- a constant


def _used(holder_id: UUID, *used: int) -> tuple[UUID, Used]:
    return holder_id, Used(*used)


_USED = returns(_used)("""
    SELECT id,
        CASE on_limit
            WHEN 'wait' THEN (
                SELECT count(*) FROM admissions a WHERE a.key_id = k.id AND place = 'granted'
            )
            ELSE (SELECT count(*) FROM quota_orders WHERE holder_id = k.id)
        END,
        coalesce(begun.orders, 0), coalesce(begun.credits, 0)
    FROM api_keys k
    LEFT JOIN key_spending begun ON begun.key_id = k.id AND begun.day = quota_today()
    WHERE id = ANY(%(ids)s::uuid[])
""")
