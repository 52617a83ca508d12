"""The SQL statements of the ledger that every generation needs. `storage.ledger` runs them."""

from dataclasses import dataclass

from schemas.enums import TransferKind
from storage.sql import returns


@dataclass(frozen=True)
class Held:
    """The result of a hold."""

    available: int
    """The customer's available credits before the holds."""
    is_held: bool
    """Whether this statement made the holds."""
    is_within_cap: bool
    """Whether the key may spend the credits."""


# The holds of an order, or of a whole batch, are one statement, and so is each settlement. A statement first locks the
# accounts, always in the same order. The CHECK on the balance has the last word. New balances are computed from the
# locked rows: the statement's snapshot of the table is older, so balances from the snapshot, and a CHECK of them, would
# be outdated.
#
# The spending of a key is the last lock of a transaction. ON CONFLICT compares the locked row with the cap, so parallel
# holds never exceed the cap. `now()` is also the default of `created_at`, which tells a release the day of its hold. A
# cap can begin and end while holds are open, so each hold says whether it was counted.
HOLD = returns(Held)("""
    WITH accounts AS MATERIALIZED (
        SELECT id, kind, balance FROM ledger_accounts WHERE customer_id = %(customer_id)s ORDER BY id FOR UPDATE
    ), wanted AS (
        SELECT * FROM unnest(%(generation_ids)s::uuid[], %(amounts)s::bigint[]) AS wanted (generation_id, amount)
    ), transferred AS (
        INSERT INTO ledger_transfers
            (kind, customer_id, generation_id, amount, from_account_id, to_account_id, key_id, is_uncounted)
        SELECT 'hold', %(customer_id)s, generation_id, amount, available.id, held.id, %(key_id)s,
               %(cap)s::bigint IS NULL
        FROM wanted, accounts AS available, accounts AS held
        WHERE available.kind = 'available' AND held.kind = 'held' AND available.balance >= %(total)s
        ON CONFLICT DO NOTHING
        RETURNING amount, from_account_id, to_account_id
    ), moved AS (
        SELECT sum(amount)::bigint AS amount, from_account_id, to_account_id FROM transferred
        GROUP BY from_account_id, to_account_id
    ), changed AS (
        UPDATE ledger_accounts
        SET balance = accounts.balance + CASE accounts.id WHEN to_account_id THEN amount ELSE -amount END
        FROM accounts, moved
        WHERE ledger_accounts.id = accounts.id AND accounts.id IN (from_account_id, to_account_id)
    ), spent AS (
        INSERT INTO key_spending (key_id, day, credits)
        SELECT %(key_id)s, (now() AT TIME ZONE 'utc')::date, amount FROM moved WHERE amount <= %(cap)s::bigint
        ON CONFLICT (key_id, day) DO UPDATE SET credits = key_spending.credits + excluded.credits
        WHERE key_spending.credits + excluded.credits <= %(cap)s::bigint
        RETURNING credits
    )
    SELECT balance AS available, EXISTS (SELECT FROM moved) AS is_held,
           %(cap)s::bigint IS NULL OR EXISTS (SELECT FROM spent) AS is_within_cap
    FROM accounts WHERE kind = 'available'
""")
SETTLE = returns(int)("""
    WITH accounts AS MATERIALIZED (
        SELECT id, kind, balance FROM ledger_accounts WHERE customer_id = %(customer_id)s ORDER BY id FOR UPDATE
    ), hold AS (
        SELECT customer_id, generation_id, amount, to_account_id, key_id, is_uncounted, created_at
        FROM ledger_transfers WHERE generation_id = %(generation_id)s AND kind = 'hold'
    ), transferred AS (
        INSERT INTO ledger_transfers (kind, customer_id, generation_id, amount, from_account_id, to_account_id, key_id)
        SELECT %(kind)s, hold.customer_id, hold.generation_id, hold.amount, hold.to_account_id, target.id, hold.key_id
        FROM hold, (
            SELECT id FROM accounts WHERE %(kind)s = 'release' AND kind = 'available'
            UNION ALL
            SELECT ledger_accounts.id FROM ledger_accounts JOIN customers ON customers.id = %(customer_id)s
            WHERE %(kind)s = 'capture'
              AND ledger_accounts.kind = CASE WHEN test_of IS NULL THEN 'revenue' ELSE 'test_revenue' END
        ) AS target
        -- Counting them all locks them all.
        WHERE (SELECT count(*) FROM accounts) = 2
        ON CONFLICT DO NOTHING
        RETURNING amount, from_account_id, to_account_id
    ), changed AS (
        UPDATE ledger_accounts
        SET balance = accounts.balance + CASE accounts.id WHEN to_account_id THEN amount ELSE -amount END
        FROM accounts, transferred
        WHERE ledger_accounts.id = accounts.id AND accounts.id IN (from_account_id, to_account_id)
    ), given_back AS (
        UPDATE key_spending SET credits = greatest(key_spending.credits - transferred.amount, 0)
        FROM transferred, hold
        WHERE %(kind)s = 'release' AND key_spending.key_id = hold.key_id AND NOT hold.is_uncounted
          AND day = (hold.created_at AT TIME ZONE 'utc')::date
    )
    SELECT amount FROM transferred
""")
SPENT_TODAY = returns(lambda key_id, spent: (key_id, spent))("""
    SELECT key_id, credits FROM key_spending
    WHERE key_id = ANY(%(key_ids)s::uuid[]) AND day = (now() AT TIME ZONE 'utc')::date
""")

MOVED = returns(lambda kind, amount: (TransferKind(kind), int(amount)))("""
    SELECT kind, amount FROM ledger_transfers WHERE generation_id = %(generation_id)s AND customer_id = %(customer_id)s
""")

AVAILABLE = returns(int)(
    "SELECT balance FROM ledger_accounts WHERE customer_id = %(customer_id)s AND kind = 'available'"
)
