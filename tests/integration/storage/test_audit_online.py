"""An audit beside a busy system reads through indexes and within a time limit, however long the history is."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from storage.audit import audit_online
from storage.audit.rows import _COUNT, the_last
from storage.audit.rules import RULES
from storage.database import Database
from tests.support import NewCustomer, new_customer

# The tables are long.
pytestmark = pytest.mark.slow

WINDOW = timedelta(minutes=15)

# A long history, something unfinished, and a little that finished just now.
_HISTORY = """
    INSERT INTO generations (id, customer_id, request_hash, kind, model, "order", credits, stage, progress, wake_at,
                             deadline_at, attempt, failures, provider, route_index, remote_id, result_urls,
                             finished_at)
    SELECT gen_random_uuid(), :customer, 'x', 'image', 'm', '{}', 1,
           CASE WHEN n <= 20 THEN 'queued' ELSE 'cancelled' END, 0, CASE WHEN n <= 20 THEN now() END, now(), 1, 0,
           'kie', 0, 'remote-' || n, '[]', CASE WHEN n > 20 THEN now() - make_interval(mins => 10 * (n - 20)) END
    FROM generate_series(1, 6000) AS n;
    INSERT INTO ledger_transfers (kind, customer_id, from_account_id, to_account_id, amount, generation_id)
    SELECT kinds.kind, :customer, a.id, h.id, 1, g.id
    FROM generations g CROSS JOIN (VALUES ('hold'), ('release')) AS kinds(kind)
    JOIN ledger_accounts a ON a.customer_id = :customer AND a.kind = 'available'
    JOIN ledger_accounts h ON h.customer_id = :customer AND h.kind = 'held';
    INSERT INTO events (generation_id, origin, stage, data)
    SELECT g.id, 'submitting', 'generating', '{"route": 0}' FROM generations g;
    INSERT INTO customers (id, name) SELECT gen_random_uuid(), 'c' FROM generate_series(1, 1000);
    INSERT INTO ledger_accounts (customer_id, kind, balance)
    SELECT id, kinds.kind, 0 FROM customers CROSS JOIN (VALUES ('available'), ('held')) AS kinds(kind)
    WHERE id <> :customer;
    INSERT INTO webhook_endpoints (id, customer_id, url, types, secret)
    SELECT gen_random_uuid(), id, 'https://hooks.example', '{generation.completed}', 'whsec_x' FROM customers;
    INSERT INTO webhook_deliveries (endpoint_id, customer_id, generation_id, event_id, type)
    SELECT w.id, w.customer_id, e.generation_id, e.id, 'generation.started'
    FROM events e CROSS JOIN (SELECT id, customer_id FROM webhook_endpoints WHERE customer_id = :customer) AS w;
"""
_TABLES = """generations, ledger_transfers, events, customers, ledger_accounts, assets,
    webhook_endpoints, webhook_deliveries, webhook_generations"""


@pytest.fixture
def history(database: Database) -> Database:
    customer: NewCustomer = new_customer(database, 0)
    with database.transaction() as session:
        for statement in _HISTORY.split(";\n")[:-1]:
            session.execute(text(statement.replace(":customer", f"'{customer.id}'")))
        session.execute(text(f"ANALYZE {_TABLES}"))
    return database


def nodes(plan: dict[str, object]) -> Iterator[dict[str, object]]:
    yield plan
    below = plan.get("Plans", [])
    assert isinstance(below, list)
    for child in below:
        yield from nodes(child)


# `admissions` and `quota_orders` have rows for unfinished generations, and none for the history. Accounts are few.
_OF_UNFINISHED = (
    *("ix_generations_due", "ix_admissions", "admissions_", "ix_quota_orders", "quota_orders_"),
    "admission_accounts",
)


def is_full_scan(node: dict[str, object]) -> bool:
    """Whether a step of a plan reads all of a table of ours, or all of an index other than those of unfinished rows."""
    if str(node.get("Relation Name", "")).startswith("pg_"):
        return False
    kind = str(node["Node Type"])
    is_whole_index = (
        "Index" in kind and "Index Cond" not in node and not str(node["Index Name"]).startswith(_OF_UNFINISHED)
    )
    return kind == "Seq Scan" or is_whole_index


def full_scans(database: Database, query: str) -> list[dict[str, object]]:
    extent = the_last(WINDOW, limit_seconds=5)
    with database.transaction() as session:
        # So that a small table is no excuse for a missing index.
        for whole in ("seqscan", "hashjoin", "mergejoin"):
            session.execute(text(f"SET LOCAL enable_{whole} = off"))
        explain = text(f"EXPLAIN (FORMAT JSON) {extent.query(query)}")
        ((explained,),) = session.execute(explain, extent.parameters)
    return [node for node in nodes(explained[0]["Plan"]) if is_full_scan(node)]


def test_online_queries_read_no_whole_table(history: Database) -> None:
    for query in (_COUNT, *(rule.query for rule in RULES if rule.is_online)):
        assert full_scans(history, query) == [], query
    for rule in RULES:
        assert rule.is_online or full_scans(history, rule.query), "it could be asked online, too"


def test_online_audit_checks_unfinished_and_recent_generations(history: Database) -> None:
    assert audit_online(history, window=WINDOW).generations == 20 + 1


def test_online_audit_stops_at_its_time_limit(history: Database) -> None:
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with history.transaction() as session:
            session.execute(text("LOCK TABLE generations IN ACCESS EXCLUSIVE MODE"))
            locked.set()
            done.wait(300)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert locked.wait(300)
        with pytest.raises(OperationalError, match="statement timeout"):
            audit_online(history, window=WINDOW, limit_seconds=0.2)
    finally:
        done.set()
        holder.join()
