"""The database of every peer: orders, assets, and a double-entry ledger. Each operation is one statement.

The accounts are `equity` (the source of granted credits), `available` and `held` of the customer, and `revenue`. A
transfer moves credits between two accounts. The customer's two accounts have a running balance that cannot go negative.

Statements take named parameters in psycopg's form, `%(name)s`, which SQLAlchemy's `exec_driver_sql` also takes.
"""

import hashlib
from typing import Final, LiteralString

PRICE: Final = 10
"""The price of every order, in credits."""

SCHEMA: Final[LiteralString] = """
    CREATE TABLE balances (
        customer_id uuid PRIMARY KEY,
        available bigint NOT NULL CONSTRAINT available_never_below_zero CHECK (available >= 0),
        held bigint NOT NULL CONSTRAINT held_never_below_zero CHECK (held >= 0)
    );
    CREATE TABLE api_keys (key_hash text PRIMARY KEY, customer_id uuid NOT NULL REFERENCES balances);
    CREATE TABLE orders (
        id uuid PRIMARY KEY,
        customer_id uuid NOT NULL REFERENCES balances,
        prompt text NOT NULL,
        credits bigint NOT NULL CHECK (credits > 0),
        stage text NOT NULL CHECK (stage IN ('accepted', 'submitted', 'completed', 'failed')),
        remote_id text,
        error text,
        created_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz
    );
    CREATE TABLE transfers (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        customer_id uuid NOT NULL REFERENCES balances,
        order_id uuid REFERENCES orders,
        kind text NOT NULL CHECK (kind IN ('grant', 'hold', 'capture', 'release')),
        from_account text NOT NULL CHECK (from_account IN ('equity', 'available', 'held')),
        to_account text NOT NULL CHECK (to_account IN ('available', 'held', 'revenue')),
        amount bigint NOT NULL CHECK (amount > 0),
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (order_id, kind)
    );
    CREATE TABLE assets (
        order_id uuid PRIMARY KEY REFERENCES orders,
        object_key text NOT NULL,
        size_bytes bigint NOT NULL,
        sha256 text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    );
"""

OPEN: Final[LiteralString] = """
    WITH opened AS (
        INSERT INTO balances (customer_id, available, held) VALUES (%(customer_id)s, %(credits)s, 0)
        RETURNING customer_id
    ), key AS (
        INSERT INTO api_keys (key_hash, customer_id) SELECT %(key_hash)s, customer_id FROM opened
    )
    INSERT INTO transfers (customer_id, kind, from_account, to_account, amount)
    SELECT customer_id, 'grant', 'equity', 'available', %(credits)s FROM opened
"""
"""Creates a customer with an API key and credits."""

AUTHENTICATE: Final[LiteralString] = "SELECT customer_id FROM api_keys WHERE key_hash = %(key_hash)s"
"""Finds the customer of an API key."""

ACCEPT: Final[LiteralString] = """
    WITH placed AS (
        INSERT INTO orders (id, customer_id, prompt, credits, stage)
        VALUES (%(order_id)s, %(customer_id)s, %(prompt)s, %(credits)s, 'accepted')
        RETURNING id, customer_id, credits
    ), moved AS (
        UPDATE balances SET available = available - credits, held = held + credits FROM placed
        WHERE balances.customer_id = placed.customer_id
    )
    INSERT INTO transfers (customer_id, order_id, kind, from_account, to_account, amount)
    SELECT customer_id, id, 'hold', 'available', 'held', credits FROM placed
"""
"""Inserts an order and its hold. Violates `available_never_below_zero` if the customer has too few credits."""

SUBMITTED: Final[LiteralString] = """
    UPDATE orders SET stage = 'submitted', remote_id = %(remote_id)s WHERE id = %(order_id)s AND stage = 'accepted'
"""
"""Records that the vendor accepted the order. Changes nothing if the order has gone further."""

SETTLE: Final[LiteralString] = """
    WITH finished AS (
        UPDATE orders SET stage = 'completed', finished_at = now()
        WHERE id = %(order_id)s AND stage IN ('accepted', 'submitted')
        RETURNING id, customer_id, credits
    ), kept AS (
        INSERT INTO assets (order_id, object_key, size_bytes, sha256)
        SELECT id, %(object_key)s, %(size_bytes)s, %(sha256)s FROM finished
    ), moved AS (
        UPDATE balances SET held = held - credits FROM finished WHERE balances.customer_id = finished.customer_id
    )
    INSERT INTO transfers (customer_id, order_id, kind, from_account, to_account, amount)
    SELECT customer_id, id, 'capture', 'held', 'revenue', credits FROM finished
"""
"""Inserts the asset, ends the order, and captures its hold, once."""

RELEASE: Final[LiteralString] = """
    WITH failed AS (
        UPDATE orders SET stage = 'failed', error = %(error)s, finished_at = now()
        WHERE id = %(order_id)s AND stage IN ('accepted', 'submitted')
        RETURNING id, customer_id, credits
    ), moved AS (
        UPDATE balances SET available = available + credits, held = held - credits FROM failed
        WHERE balances.customer_id = failed.customer_id
    )
    INSERT INTO transfers (customer_id, order_id, kind, from_account, to_account, amount)
    SELECT customer_id, id, 'release', 'held', 'available', credits FROM failed
"""
"""Ends a failed order and releases its hold, once."""


def key_hash(api_key: str) -> str:
    """The stored hash of an API key."""
    return hashlib.sha256(api_key.encode()).hexdigest()
