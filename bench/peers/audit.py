"""Audits a peer: every order ended, every file exists, every credit is accounted for."""

from collections.abc import Mapping, Sequence
from typing import LiteralString

import psycopg

_QUESTIONS: Sequence[tuple[str, LiteralString]] = (
    ("orders failed", "SELECT count(*) FROM orders WHERE stage = 'failed'"),
    ("orders are unfinished", "SELECT count(*) FROM orders WHERE stage IN ('accepted', 'submitted')"),
    (
        "completed orders have no asset",
        """SELECT count(*) FROM orders LEFT JOIN assets ON order_id = id
        WHERE stage = 'completed' AND order_id IS NULL""",
    ),
    (
        "orders have other transfers than they should",
        """SELECT count(*) FROM (
            SELECT orders.id FROM orders LEFT JOIN transfers ON order_id = orders.id GROUP BY orders.id
            HAVING array_agg(kind || ' ' || amount ORDER BY transfers.id) IS DISTINCT FROM CASE stage
                WHEN 'completed' THEN ARRAY['hold ' || credits, 'capture ' || credits]
                WHEN 'failed' THEN ARRAY['hold ' || credits, 'release ' || credits]
                ELSE ARRAY['hold ' || credits] END
        ) wrong""",
    ),
    (
        "balances are not the sum of their transfers",
        """SELECT count(*) FROM balances, LATERAL (
            SELECT sum(amount * ((to_account = 'available')::int - (from_account = 'available')::int)) AS a,
                   sum(amount * ((to_account = 'held')::int - (from_account = 'held')::int)) AS h
            FROM transfers WHERE transfers.customer_id = balances.customer_id
        ) moved WHERE (available, held) <> (a, h)""",
    ),
    (
        "credits are missing from the sum of all accounts",
        """SELECT (SELECT sum(amount) FROM transfers WHERE from_account = 'equity')
              - (SELECT sum(available + held) FROM balances)
              - (SELECT coalesce(sum(amount), 0) FROM transfers WHERE to_account = 'revenue')""",
    ),
)


def audit(connection: psycopg.Connection, sizes: Mapping[str, int]) -> list[str]:
    """The problems, as text.

    Args:
        sizes: the size in bytes of each object in the peer's folder, by key.
    """
    problems = []
    for what, question in _QUESTIONS:
        row = connection.execute(question).fetchone()
        if row is None or row[0] != 0:
            problems.append(f"{row[0] if row else 'unknown'} {what}")
    rows = connection.execute("SELECT object_key, size_bytes FROM assets").fetchall()
    wrong = [key for key, size_bytes in rows if sizes.get(key) != size_bytes or not size_bytes]
    if wrong:
        problems.append(f"{len(wrong)} files are missing or of another size, e.g. {wrong[0]}")
    return problems
