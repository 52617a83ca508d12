"""The sweepers of the database: callback receipts, keys, digests, spending of keys, shares, sessions, processes."""

from collections.abc import Iterator

from sqlalchemy import text

from storage.drains import FORGOTTEN_SECONDS
from storage.sweeps.base import SLICE, Portion, Sweep, counted, in_slices, seconds

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

_EXPIRED = "expires_at < now() - make_interval(secs => :age)"

_DELETE_DIGESTS = text(f"""
    WITH due AS (
        SELECT generation_id FROM order_digests WHERE {_EXPIRED} ORDER BY expires_at LIMIT :slice FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM order_digests USING due WHERE order_digests.generation_id = due.generation_id RETURNING 1
    )
    SELECT count(*) FROM deleted
""")  # noqa: S608 -- a constant

_COUNT_DIGESTS = text(f"SELECT count(*), 0 FROM order_digests WHERE {_EXPIRED}")  # noqa: S608 -- a constant

# The spending of today is never due: the cap compares it.
_OLD_DAY = "day < ((now() - make_interval(secs => :age)) AT TIME ZONE 'utc')::date"

_DELETE_SPENDING = text(f"""
    WITH due AS (
        SELECT key_id, day FROM key_spending WHERE {_OLD_DAY} ORDER BY day LIMIT :slice FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM key_spending USING due
        WHERE key_spending.key_id = due.key_id AND key_spending.day = due.day RETURNING key_spending.day
    )
    SELECT count(*) FROM deleted
""")  # noqa: S608 -- a constant

_COUNT_SPENDING = text(f"SELECT count(*), 0 FROM key_spending WHERE {_OLD_DAY}")  # noqa: S608 -- a constant

# LEAST leaves NULL out: a share that was not revoked ends when it expires.
_END = "least(expires_at, revoked_at)"
_ENDED = f"{_END} < now() - make_interval(secs => :age)"

_DELETE_SHARES = text(f"""
    WITH due AS (
        SELECT id FROM shares WHERE {_ENDED} ORDER BY {_END} LIMIT :slice FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM shares USING due WHERE shares.id = due.id RETURNING shares.id
    )
    SELECT count(*) FROM deleted
""")  # noqa: S608 -- constants

_COUNT_SHARES = text(f"SELECT count(*), 0 FROM shares WHERE {_ENDED}")  # noqa: S608 -- a constant

# An idle time that is null ends no session.
_ENDED_SESSION = "(ends_at < now() OR used_at < now() - CAST(:idle AS interval))"

_DELETE_SESSIONS = text(f"""
    WITH due AS (
        SELECT id FROM studio_sessions WHERE {_ENDED_SESSION} LIMIT :slice FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM studio_sessions USING due WHERE studio_sessions.id = due.id RETURNING studio_sessions.id
    )
    SELECT count(*) FROM deleted
""")  # noqa: S608 -- a constant

_COUNT_SESSIONS = text(f"SELECT count(*), 0 FROM studio_sessions WHERE {_ENDED_SESSION}")  # noqa: S608 -- a constant

_DAY_SECONDS = 86_400
_GONE = "seen_at < clock_timestamp() - make_interval(secs => CAST(:age AS float8))"

_DELETE_PROCESSES = text(f"""
    WITH due AS (
        SELECT node, pid FROM worker_processes WHERE {_GONE} LIMIT :slice FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM worker_processes p USING due WHERE p.node = due.node AND p.pid = due.pid RETURNING 1
    )
    SELECT count(*) FROM deleted
""")  # noqa: S608 -- a constant

_COUNT_PROCESSES = text(f"SELECT count(*), 0 FROM worker_processes WHERE {_GONE}")  # noqa: S608 -- a constant


def receipts(run: Sweep) -> Iterator[Portion]:
    """Remove receipts that are older than their retention, if their generations finished as long ago."""
    age = seconds(run.retention.receipt_days)
    if run.is_dry:
        yield counted(run, _COUNT_RECEIPTS, age)
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
    return in_slices(run, run.retention.idempotency_key_days, remove=_FORGET_KEYS, count=_COUNT_KEYS)


def digests(run: Sweep) -> Iterator[Portion]:
    """Remove the digests of orders that no later order looks for."""
    return in_slices(run, 0, remove=_DELETE_DIGESTS, count=_COUNT_DIGESTS)


def key_spending(run: Sweep) -> Iterator[Portion]:
    """Remove the spending of days before the retention."""
    return in_slices(run, run.retention.key_spending_days, remove=_DELETE_SPENDING, count=_COUNT_SPENDING)


def shares(run: Sweep) -> Iterator[Portion]:
    """Remove shares that ended before the retention. Their links have not worked since."""
    return in_slices(run, run.retention.share_days, remove=_DELETE_SHARES, count=_COUNT_SHARES)


def sessions(run: Sweep) -> Iterator[Portion]:
    """Remove sessions that have ended."""
    remove, count = (query.bindparams(idle=run.session_idle) for query in (_DELETE_SESSIONS, _COUNT_SESSIONS))
    return in_slices(run, 0, remove=remove, count=count)


def processes(run: Sweep) -> Iterator[Portion]:
    """Remove the rows of processes that were killed, or whose host is gone."""
    return in_slices(run, FORGOTTEN_SECONDS / _DAY_SECONDS, remove=_DELETE_PROCESSES, count=_COUNT_PROCESSES)
