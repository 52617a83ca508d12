"""The rules between rows. Each rule is a query, and each row of its answer (`subject`, `problem`) is a breach.

`{scope}` is a condition on generations `g`, and `{customers}` is a condition on accounts `a`. Both are true for a whole
audit. For an audit beside a busy system, an index serves them. Every unfinished generation has a `wake_at`, and
`wake_at` has an index.
"""

from dataclasses import dataclass

from schemas.names import TWIN_PREFIX
from storage.sql import IS_FREE


@dataclass(frozen=True)
class Rule:
    """A query that finds breaches."""

    number: int
    """The number of the rule in `storage.audit`: 1 to 5."""
    query: str
    """The query. Its rows are `subject` and `problem`."""
    is_online: bool = True
    """True: with a small scope, the query reads few rows."""


# A wake-up takes far less than 120 s, so a generation that is 120 s past its deadline is forgotten.
_OVERDUE = """
    SELECT id::text, 'unfinished in ' || stage || ', due by ' || deadline_at
    FROM generations
    WHERE wake_at IS NOT NULL
      AND greatest(deadline_at, CASE stage WHEN 'settling' THEN stage_at END) < now() - interval '120 s'
"""

# The waker runs every second and puts off each row that it wakes. A row that is due for 600 s shows that the waker does
# not run, or that the queue had no room.
_STUCK = f"""
    SELECT id::text, 'stuck in ' || stage || ', due since ' || wake_at || ' and no worker holds it'
    FROM generations
    WHERE wake_at < now() - interval '600 s' AND {IS_FREE}
"""  # noqa: S608 -- a constant

_LOST = """
    SELECT id::text, stage || ' with wake_at ' || coalesce(wake_at::text, 'null')
                     || ' and finished_at ' || coalesce(finished_at::text, 'null')
    FROM generations
    WHERE (stage IN ('completed', 'failed', 'cancelled')) <> (wake_at IS NULL)
       OR (wake_at IS NULL) <> (finished_at IS NOT NULL)
"""

_TRANSFERS = """
    WITH moved AS (
        SELECT g.id, g.stage, g.credits,
               coalesce(sum(t.amount) FILTER (WHERE t.kind = 'hold'), 0) AS hold,
               coalesce(sum(t.amount) FILTER (WHERE t.kind = 'capture'), 0) AS capture,
               coalesce(sum(t.amount) FILTER (WHERE t.kind = 'release'), 0) AS release,
               count(*) FILTER (WHERE t.kind IN ('capture', 'release')) AS settlements
        FROM generations g LEFT JOIN ledger_transfers t ON t.generation_id = g.id
        WHERE {scope} GROUP BY g.id
    )
    SELECT id::text, stage || ' with hold ' || hold || ', capture ' || capture || ', release ' || release
                     || ' in ' || settlements || ' settlements for ' || credits || ' credits'
    FROM moved
    WHERE hold <> credits OR settlements > 1
       OR CASE stage
            WHEN 'completed' THEN capture <> hold OR release <> 0
            WHEN 'failed' THEN capture <> 0 OR release <> hold
            WHEN 'cancelled' THEN capture + release <> hold
            ELSE settlements <> 0
          END
"""

# Cancelled work is charged only where the provider bills it: the provider began the work and was asked to stop it.
_CHARGED_FOR_NOTHING = """
    SELECT g.id::text, 'cancelled and charged, but '
                       || CASE WHEN g.remote_id IS NULL THEN 'the provider never had it' ELSE 'nobody cancelled it' END
    FROM generations g
    WHERE {scope} AND g.stage = 'cancelled' AND (g.remote_id IS NULL OR g.cancel_requested_at IS NULL)
      AND EXISTS (SELECT FROM ledger_transfers t WHERE t.generation_id = g.id AND t.kind = 'capture')
"""

_WITHOUT_RESULT = """
    SELECT g.id::text, 'completed without a stored result'
    FROM generations g
    WHERE {scope} AND g.stage = 'completed'
      AND NOT EXISTS (SELECT FROM assets a WHERE a.generation_id = g.id AND a.role = 'result')
"""

# Twins stand for the sandbox, and serve test customers alone.
_MIXED = f"""
    SELECT g.id::text, CASE WHEN c.test_of IS NULL THEN 'a live' ELSE 'a test' END || ' order at ' || g.provider
    FROM generations g JOIN customers c ON c.id = g.customer_id
    WHERE {{scope}} AND (c.test_of IS NOT NULL) <> starts_with(g.provider, '{TWIN_PREFIX}')
"""  # noqa: S608 -- a constant

_HELD = """
    WITH unfinished AS (
        SELECT customer_id, sum(credits) AS credits FROM generations WHERE wake_at IS NOT NULL GROUP BY customer_id
    )
    SELECT 'customer ' || a.customer_id,
           'holds ' || a.balance || ' credits, but unfinished generations hold ' || coalesce(u.credits, 0)
    FROM ledger_accounts a LEFT JOIN unfinished u ON u.customer_id = a.customer_id
    WHERE a.kind = 'held' AND a.balance <> coalesce(u.credits, 0) AND {customers}
"""

_BALANCES = """
    SELECT 'account ' || a.id, 'balance ' || a.balance || ', but its transfers sum to ' || coalesce(t.total, 0)
    FROM ledger_accounts a
    LEFT JOIN (
        SELECT account_id, sum(change) AS total FROM (
            SELECT from_account_id AS account_id, -amount AS change FROM ledger_transfers
            UNION ALL SELECT to_account_id, amount FROM ledger_transfers
        ) changes GROUP BY account_id
    ) t ON t.account_id = a.id
    WHERE a.balance IS NOT NULL AND (a.balance <> coalesce(t.total, 0) OR a.balance < 0)
"""

_SUM = """
    WITH system AS (
        SELECT coalesce(sum(CASE WHEN t.to_account_id = a.id THEN t.amount ELSE -t.amount END), 0) AS total
        FROM ledger_accounts a JOIN ledger_transfers t ON a.id IN (t.from_account_id, t.to_account_id)
        WHERE a.balance IS NULL
    ), customers AS (SELECT coalesce(sum(balance), 0) AS total FROM ledger_accounts)
    SELECT 'ledger', 'sums to ' || (system.total + customers.total) || ', not to zero'
    FROM system, customers WHERE system.total + customers.total <> 0
"""

# Only a move to `generating` is an accepted create. Later entries about the same create do not count. Work that a
# server of our own lost moves back to `queued`, and allows one create more.
_CREATES = """
    SELECT
        g.id::text,
        count(*) FILTER (WHERE e.stage = 'generating') || ' accepted creates on route ' || (e.data ->> 'route')
    FROM generations g JOIN events e ON e.generation_id = g.id
    WHERE {scope} AND e.name = 'moved' AND (e.stage = 'generating' OR (e.origin = 'generating' AND e.stage = 'queued'))
    GROUP BY g.id, e.data ->> 'route'
    HAVING count(*) FILTER (WHERE e.stage = 'generating') > 1 + count(*) FILTER (WHERE e.stage = 'queued')
"""

_REMOTE_IDS = """
    SELECT g.provider || ' ' || g.remote_id, 'serves ' || count(DISTINCT other.id) || ' generations'
    FROM generations g
    JOIN generations other
      ON other.provider = g.provider AND other.remote_id = g.remote_id AND other.remote_id IS NOT NULL
    WHERE {scope}
    GROUP BY g.provider, g.remote_id HAVING count(DISTINCT other.id) > 1
"""

# A transaction that was open when an endpoint was made does not see it. Deleted generations lose their deliveries, and
# old deliveries are swept.
_UNTOLD = """
    SELECT g.id::text, 'event ' || e.id || ' has no delivery to endpoint ' || w.id
    FROM generations g
    JOIN events e ON e.generation_id = g.id
    JOIN webhook_endpoints w ON w.customer_id = e.customer_id
    WHERE {scope} AND g.deleted_at IS NULL AND e.origin IS DISTINCT FROM e.stage
      AND e.created_at > greatest(w.hears_since + interval '1 minute', now() - interval '6 hours')
      AND w.deleted_at IS NULL
      AND w.types && ARRAY[webhook_event_type(e.origin, e.stage), 'generation.*', '*']
      AND (NOT w.is_implicit OR w.id = (SELECT endpoint_id FROM webhook_generations WHERE generation_id = g.id))
      AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.endpoint_id = w.id AND d.event_id = e.id)
"""

# `idle`: the generation asked for a place at this account before, and may be at another account now.
_PLACES = """
    SELECT g.id::text, g.stage || ' and ' || a.place || ' at ' || a.provider
                       || CASE WHEN a.provider <> g.provider THEN ', but its provider is ' || g.provider ELSE '' END
    FROM admissions a JOIN generations g ON g.id = a.generation_id
    WHERE g.stage NOT IN ('queued', 'submitting', 'generating')
       OR (a.place IN ('waiting', 'held') AND g.stage <> 'queued')
       OR (a.place <> 'idle' AND a.provider <> g.provider)
"""

# Only a generation that waits for a place, or for its scheduled start, is looked at so late.
_ASLEEP = """
    SELECT g.id::text, 'queued until ' || g.wake_at || ', but waits neither for a place nor for its start'
    FROM generations g
    WHERE g.wake_at > now() + interval '1 hour' AND g.stage = 'queued'
      AND g.wake_at > coalesce((g."order" ->> 'not_before')::timestamptz, '-infinity')
      AND NOT EXISTS (SELECT FROM admissions a WHERE a.generation_id = g.id AND a.place IN ('waiting', 'held'))
"""

# Work that began before the account had limits is counted when the limits are written.
_WITHOUT_PLACE = """
    SELECT g.id::text, g.stage || ' at ' || g.provider || ' without a place'
    FROM generations g JOIN admission_accounts limited USING (provider)
    WHERE g.wake_at IS NOT NULL AND g.stage IN ('submitting', 'generating')
      AND (coalesce(override, declared) ->> 'in_flight' IS NOT NULL OR coalesce(override, declared) ? 'families')
      AND counted_at > limits_at + interval '3 seconds'
      AND NOT EXISTS (SELECT FROM admissions a WHERE a.generation_id = g.id AND a.place = 'granted')
"""

# A generation that has ended counts no longer as unfinished.
_COUNTED_AFTER_END = """
    SELECT g.id::text, g.stage || ', and still counts against the limits of ' || o.holder_id
    FROM quota_orders o JOIN generations g ON g.id = o.generation_id
    WHERE g.wake_at IS NULL
"""

# The database's constraints replace some rules, so this rule checks that the constraints exist and are valid. An index
# that was built concurrently may exist and be invalid.
_UNGUARDED = """
    SELECT 'schema', needed.name || ' is not there, or not valid'
    FROM unnest(ARRAY[
        'wake_at_until_terminal', 'failed_has_error', 'never_below_zero', 'customers_have_balances',
        'amount_is_positive', 'between_two_accounts', 'of_a_generation', 'by_reference',
        'uq_ledger_transfers_generation_kind', 'uq_ledger_transfers_settlement',
        'webhook_deliveries_endpoint_id_event_id_key'
    ]) AS needed(name)
    JOIN pg_class ours ON ours.oid = 'generations'::regclass
    WHERE NOT EXISTS (
        SELECT FROM pg_constraint c
        WHERE c.conname = needed.name AND c.convalidated AND c.connamespace = ours.relnamespace
    ) AND NOT EXISTS (
        SELECT FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid
        WHERE i.relname = needed.name AND x.indisunique AND x.indisvalid
          AND i.relnamespace = ours.relnamespace
    )
"""

RULES = (
    Rule(1, _OVERDUE),
    Rule(1, _STUCK),
    Rule(1, _ASLEEP),
    Rule(1, _LOST, is_online=False),
    Rule(2, _TRANSFERS),
    Rule(2, _CHARGED_FOR_NOTHING),
    Rule(2, _WITHOUT_RESULT),
    Rule(2, _MIXED),
    Rule(2, _HELD),
    Rule(2, _BALANCES, is_online=False),
    Rule(2, _SUM, is_online=False),
    Rule(2, _UNGUARDED),
    Rule(3, _CREATES),
    Rule(3, _REMOTE_IDS),
    Rule(4, _UNTOLD),
    Rule(5, _PLACES),
    Rule(5, _WITHOUT_PLACE),
    Rule(5, _COUNTED_AFTER_END),
)
