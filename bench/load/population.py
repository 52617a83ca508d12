"""Fills a database like that of a busy service: many generations that wait for their vendor.

The rows include customers, events, ledger accounts, grants and holds, as if each order had passed a door and had been
submitted. An audit finds nothing wrong.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg

from providers.catalogue import Catalogue
from providers.registry import Providers
from schemas.orders import GenerationRequest, Order
from schemas.settings import Settings

REMOTE_ID_PREFIX = "waiting-"
"""The prefix of the vendor's ids. The generation's own id follows."""

_CUSTOMERS = 1_000
_BATCH = 20_000
_GRANT = 10**9

_CREATE_CUSTOMERS = """
    WITH made AS (
        INSERT INTO customers (id, name)
        SELECT gen_random_uuid(), 'bench ' || n FROM generate_series(1, %(count)s::int) n
        RETURNING id
    ), accounts AS (
        INSERT INTO ledger_accounts (customer_id, kind, balance)
        SELECT made.id, side.kind, side.balance
        FROM made CROSS JOIN (VALUES ('available', %(grant)s::bigint), ('held', 0)) AS side (kind, balance)
        RETURNING id, customer_id, kind
    )
    INSERT INTO ledger_transfers (kind, customer_id, from_account_id, to_account_id, amount, reference)
    SELECT 'grant', customer_id, (SELECT id FROM ledger_accounts WHERE kind = 'equity'), id, %(grant)s, 'bench'
    FROM accounts WHERE kind = 'available'
"""

# Numbered customers: generations are distributed over the numbers.
_NUMBER_CUSTOMERS = """
    CREATE TEMPORARY TABLE customer AS
    SELECT a.customer_id AS id, a.id AS available, h.id AS held, row_number() OVER (ORDER BY a.id) - 1 AS number
    FROM ledger_accounts a JOIN ledger_accounts h USING (customer_id) WHERE a.kind = 'available' AND h.kind = 'held'
"""

# These generations are due after an hour at the earliest.
_CREATE_GENERATIONS = """
    WITH made AS (
        INSERT INTO generations (
            id, customer_id, request_hash, kind, model, "order", credits, provider, route_index, remote_id,
            result_urls, stage, progress, attempt, failures, wake_at, deadline_at
        )
        SELECT new.id, customer.id, md5(new.id::text), %(kind)s, %(model)s, %(order)s, %(credits)s, %(provider)s, 0,
               %(prefix)s || new.id, '[]', 'generating', 15, 1, 0,
               now() + interval '1 hour' + new.n * interval '5 ms', now() + interval '24 hours'
        FROM (SELECT n, gen_random_uuid() AS id FROM generate_series(%(first)s::int, %(last)s::int) n) AS new
        JOIN customer ON customer.number = new.n %% %(customers)s::int
        RETURNING id, customer_id
    ), told AS (
        INSERT INTO events (generation_id, origin, stage, data)
        SELECT made.id, step.origin, step.stage, step.data::jsonb
        FROM made CROSS JOIN (VALUES
            (NULL, 'queued', '{"credits": 4}'),
            ('queued', 'submitting', '{"route": 0}'),
            ('submitting', 'generating', '{"route": 0}')
        ) AS step (origin, stage, data)
    ), moved AS (
        INSERT INTO ledger_transfers (kind, customer_id, generation_id, from_account_id, to_account_id, amount)
        SELECT 'hold', made.customer_id, made.id, customer.available, customer.held, %(credits)s
        FROM made JOIN customer ON customer.id = made.customer_id
        RETURNING customer_id, amount
    )
    UPDATE ledger_accounts
    SET balance = balance + CASE kind WHEN 'held' THEN sums.amount ELSE -sums.amount END
    FROM (SELECT customer_id, sum(amount) AS amount FROM moved GROUP BY customer_id) AS sums
    WHERE ledger_accounts.customer_id = sums.customer_id
"""

_MAKE_DUE = """
    UPDATE generations
    SET wake_at = now() + make_interval(secs => %(after)s::float + picked.number / %(rate)s::float)
    FROM (
        SELECT id, row_number() OVER () - 1 AS number
        FROM (SELECT id FROM generations ORDER BY random() LIMIT %(count)s) AS drawn
    ) AS picked
    WHERE generations.id = picked.id
    RETURNING generations.id, generations.wake_at
"""


@dataclass(frozen=True)
class Population:
    """The waiting generations of a database."""

    database_url: str
    """The database's URL, for psycopg."""
    order: Order
    """The order of every generation."""

    @classmethod
    def of(cls, settings: Settings) -> "Population":
        """An empty population for the database of these settings."""
        available = Providers(settings.providers).available()
        request = GenerationRequest(model="nano-banana", prompt="a lighthouse in fog, oil on canvas, seen from the sea")
        url = settings.database_url
        return cls(url, Catalogue.load(available).order(request))

    def grow(self, count: int, on_progress: Callable[[int], None]) -> None:
        """Insert generations until `count` wait, and vacuum the tables.

        Args:
            on_progress: called now and then with the number of waiting generations.
        """
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            (there,) = connection.execute("SELECT count(*) FROM generations").fetchone() or (0,)
            if there == 0:
                connection.execute(_CREATE_CUSTOMERS, {"count": _CUSTOMERS, "grant": _GRANT})
            connection.execute(_NUMBER_CUSTOMERS)
            connection.execute("ANALYZE customer")
            for first in range(there, count, _BATCH):
                last = min(first + _BATCH, count) - 1
                connection.execute(_CREATE_GENERATIONS, {**self._values(), "first": first, "last": last})
                on_progress(last + 1)
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")

    def make_due(self, count: int, *, rate: float, after: float) -> Mapping[UUID, datetime]:
        """Make `count` random generations due one after the other.

        Args:
            rate: generations a second.
            after: seconds until the first.

        Returns:
            The due time of each.
        """
        values = {"count": count, "rate": rate, "after": after}
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return dict(connection.execute(_MAKE_DUE, values).fetchall())

    def _values(self) -> dict[str, object]:
        order = self.order
        return {
            "kind": order.kind.value,
            "model": order.model,
            "order": json.dumps(order.model_dump(mode="json")),
            "credits": order.credits,
            "provider": order.routes[0].provider,
            "prefix": REMOTE_ID_PREFIX,
            "customers": _CUSTOMERS,
        }
