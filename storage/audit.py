"""What must always hold, checked against the database and the object store.

1. Every accepted generation is finished, or somebody will look at it: none is past its deadline and forgotten.
2. `completed` means exactly one capture and a result whose bytes match their SHA-256; `failed` means no capture;
   `cancelled` may mean one; none of them has a hold left, and unfinished means a hold. The ledger sums to zero and every
   balance is its transfers' sum.
3. At most one accepted create for each generation and route.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import TextClause, text
from sqlmodel import Session

from storage.database import Database
from storage.objects import ObjectStore

# Past its deadline by this much, a generation is not merely waiting for the next wake-up.
_OVERDUE_SLACK_SECONDS = 120


@dataclass(frozen=True)
class Breach:
    """Something that must hold and does not: which rule (1, 2 or 3), what it is about, and what is wrong."""

    rule: int
    subject: str
    problem: str


@dataclass(frozen=True)
class Report:
    """What an audit looked at, and what it found."""

    generations: int
    objects: int
    breaches: list[Breach]


@dataclass(frozen=True)
class _Rule:
    """A query whose every row (`subject`, `problem`) is a breach."""

    number: int
    query: TextClause


_RULES = (
    _Rule(
        1,
        text("""
            SELECT id::text AS subject, 'unfinished in ' || stage || ', due by ' || deadline_at
            FROM generations
            WHERE wake_at IS NOT NULL
              AND greatest(deadline_at, CASE stage WHEN 'settling' THEN stage_at END)
                  < now() - make_interval(secs => :overdue_slack)
        """).bindparams(overdue_slack=_OVERDUE_SLACK_SECONDS),
    ),
    _Rule(
        2,
        text("""
            WITH moved AS (
                SELECT generation_id,
                       coalesce(sum(amount) FILTER (WHERE kind = 'hold'), 0) AS hold,
                       coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS capture,
                       coalesce(sum(amount) FILTER (WHERE kind = 'release'), 0) AS release
                FROM ledger_transfers WHERE generation_id IS NOT NULL GROUP BY generation_id
            )
            SELECT g.id::text, g.stage || ' with hold ' || coalesce(hold, 0) || ', capture ' || coalesce(capture, 0)
                               || ', release ' || coalesce(release, 0) || ' for ' || g.credits || ' credits'
            FROM generations g LEFT JOIN moved m ON m.generation_id = g.id
            WHERE coalesce(hold, 0) <> g.credits
               OR CASE
                    WHEN g.stage = 'completed' THEN coalesce(capture, 0) = 0 OR capture + release <> hold
                    WHEN g.stage = 'cancelled' THEN capture + release <> hold
                    WHEN g.stage = 'failed' THEN coalesce(capture, 0) <> 0 OR release <> hold
                    ELSE coalesce(capture, 0) <> 0 OR coalesce(release, 0) <> 0
                  END
        """),
    ),
    _Rule(
        2,
        text("""
            SELECT g.id::text, 'completed without a stored result'
            FROM generations g
            WHERE g.stage = 'completed'
              AND NOT EXISTS (SELECT 1 FROM assets a WHERE a.generation_id = g.id AND a.role = 'result')
        """),
    ),
    _Rule(
        2,
        text("""
            SELECT 'account ' || a.id, 'balance ' || a.balance || ', but its transfers sum to ' || coalesce(t.total, 0)
            FROM ledger_accounts a
            LEFT JOIN (
                SELECT account_id, sum(change) AS total FROM (
                    SELECT from_account_id AS account_id, -amount AS change FROM ledger_transfers
                    UNION ALL SELECT to_account_id, amount FROM ledger_transfers
                ) changes GROUP BY account_id
            ) t ON t.account_id = a.id
            WHERE a.balance IS NOT NULL AND a.balance <> coalesce(t.total, 0)
        """),
    ),
    _Rule(
        2,
        text("""
            WITH system AS (
                SELECT coalesce(sum(CASE WHEN t.to_account_id = a.id THEN t.amount ELSE -t.amount END), 0) AS total
                FROM ledger_accounts a JOIN ledger_transfers t ON a.id IN (t.from_account_id, t.to_account_id)
                WHERE a.balance IS NULL
            ), customers AS (SELECT coalesce(sum(balance), 0) AS total FROM ledger_accounts)
            SELECT 'ledger', 'sums to ' || (system.total + customers.total) || ', not to zero'
            FROM system, customers WHERE system.total + customers.total <> 0
        """),
    ),
    _Rule(
        3,
        text("""
            SELECT generation_id::text, count(*) || ' accepted creates on route ' || (data ->> 'route')
            FROM events WHERE name = 'moved' AND stage = 'generating'
            GROUP BY generation_id, data ->> 'route' HAVING count(*) > 1
        """),
    ),
    _Rule(
        3,
        text("""
            SELECT provider || ' ' || remote_id, 'serves ' || count(*) || ' generations'
            FROM generations WHERE remote_id IS NOT NULL GROUP BY provider, remote_id HAVING count(*) > 1
        """),
    ),
)

_ASSETS = text("SELECT generation_id, object_key, size_bytes, sha256 FROM assets ORDER BY object_key")


def audit(database: Database, objects: ObjectStore, *, on_object: Callable[[int, int], None] | None = None) -> Report:
    """Check everything, and read every stored object once.

    Args:
        on_object: told how many objects of how many have been read.
    """
    with database.transaction() as session:
        # One snapshot, so that a generation that moves on meanwhile is not half seen.
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        generations: int = session.execute(text("SELECT count(*) FROM generations")).scalar_one()
        breaches = [breach for rule in _RULES for breach in _broken(session, rule)]
        assets = session.execute(_ASSETS).all()
    for number, asset in enumerate(assets, start=1):
        problem = _object_problem(objects, asset.object_key, asset.size_bytes, asset.sha256)
        if problem:
            breaches.append(Breach(2, str(asset.generation_id), problem))
        if on_object:
            on_object(number, len(assets))
    return Report(generations=generations, objects=len(assets), breaches=breaches)


def _broken(session: Session, rule: _Rule) -> Iterator[Breach]:
    for subject, problem in session.execute(rule.query):
        yield Breach(rule.number, subject, problem)


def _object_problem(objects: ObjectStore, key: str, size_bytes: int, sha256: str) -> str | None:
    found = objects.stat(key)
    if found is None:
        return f"object {key} is not in the store"
    if found.size_bytes != size_bytes:
        return f"object {key} has {found.size_bytes} bytes, recorded are {size_bytes}"
    digest = hashlib.sha256()
    with objects.stream(key) as chunks:
        for chunk in chunks:
            digest.update(chunk)
    return None if digest.hexdigest() == sha256 else f"object {key} does not match its SHA-256"
