"""The sweepers of the database: callback receipts, idempotency keys and digests of orders."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import TextClause, text

from storage.sweeps.base import SLICE, Portion, Sweep

# Receipts have ascending ids, so the old receipts are at the start of the primary key. An old receipt of a generation
# that finished late stays for a later sweep.
_DELETE_RECEIPTS = text("""
    WITH slice AS MATERIALIZED (
        SELECT id, created_at < now() - make_interval(secs => :age) AS is_old
        FROM callback_receipts WHERE id > :after ORDER BY id LIMIT :slice
    ), due AS (
        SELECT r.id
        FROM slice JOIN callback_receipts r USING (id) JOIN generations g ON g.id = r.generation_id
        WHERE slice.is_old AND g.finished_at < now() - make_interval(secs => :age)
        FOR UPDATE OF r SKIP LOCKED
    ), deleted AS (
        DELETE FROM callback_receipts r USING due WHERE r.id = due.id RETURNING octet_length(r.body) AS size_bytes
    )
    SELECT (SELECT max(id) FROM slice WHERE is_old) AS last, count(*) AS deleted,
           coalesce(sum(size_bytes), 0) AS size_bytes
    FROM deleted
""")

_COUNT_RECEIPTS = text("""
    SELECT count(*), coalesce(sum(octet_length(r.body)), 0)
    FROM callback_receipts r JOIN generations g ON g.id = r.generation_id
    WHERE r.created_at < now() - make_interval(secs => :age) AND g.finished_at < now() - make_interval(secs => :age)
""")

_FORGET_KEYS = text("""
    WITH due AS (
        SELECT id FROM generations
        WHERE idempotency_key IS NOT NULL AND finished_at < now() - make_interval(secs => :age)
        ORDER BY finished_at LIMIT :slice FOR UPDATE SKIP LOCKED
    ), forgotten AS (
        UPDATE generations g SET idempotency_key = NULL FROM due WHERE g.id = due.id RETURNING g.id
    )
    SELECT count(*) FROM forgotten
""")

_COUNT_KEYS = text("""
    SELECT count(*), 0 FROM generations
    WHERE idempotency_key IS NOT NULL AND finished_at < now() - make_interval(secs => :age)
""")

_DELETE_DIGESTS = text("""
    WITH due AS (
        SELECT generation_id FROM order_digests WHERE expires_at < now()
        ORDER BY expires_at LIMIT :slice FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM order_digests USING due WHERE order_digests.generation_id = due.generation_id RETURNING 1
    )
    SELECT count(*) FROM deleted
""")

_COUNT_DIGESTS = text("SELECT count(*), 0 FROM order_digests WHERE expires_at < now()")


def receipts(run: Sweep) -> Iterator[Portion]:
    """Remove receipts that are older than their retention, if their generations finished as long ago."""
    age = _seconds(run.retention.receipt_days)
    if run.is_dry:
        yield _counted(run, _COUNT_RECEIPTS, age=age)
        return
    last = 0
    while True:
        with run.database.transaction() as session:
            slice_ = session.execute(_DELETE_RECEIPTS, {"age": age, "after": last, "slice": SLICE}).one()
        if slice_.last is None:
            return
        last = slice_.last
        yield Portion(slice_.deleted, int(slice_.size_bytes))


def idempotency_keys(run: Sweep) -> Iterator[Portion]:
    """Clear the idempotency keys of generations that finished before the retention: customers' keys and Redis' keys."""
    age = _seconds(run.retention.idempotency_key_days)
    if run.is_dry:
        yield _counted(run, _COUNT_KEYS, age=age)
        return
    yield from _in_slices(run, _FORGET_KEYS, age=age)


def digests(run: Sweep) -> Iterator[Portion]:
    """Remove the digests of orders that no later order looks for."""
    if run.is_dry:
        yield _counted(run, _COUNT_DIGESTS)
        return
    yield from _in_slices(run, _DELETE_DIGESTS)


def _in_slices(run: Sweep, statement: TextClause, **given: float) -> Iterator[Portion]:
    """Run a statement that counts its rows, until it finds none."""
    while True:
        with run.database.transaction() as session:
            count: int = session.execute(statement, {"slice": SLICE, **given}).scalar_one()
        if not count:
            return
        yield Portion(count)


def _counted(run: Sweep, query: TextClause, **given: float) -> Portion:
    with run.database.transaction() as session:
        count, size_bytes = session.execute(query, given).one()
    return Portion(count, int(size_bytes))


def _seconds(days: float) -> float:
    return timedelta(days=days).total_seconds()
