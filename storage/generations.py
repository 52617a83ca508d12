"""Generations: finding them, and what must be looked at when. What workers do with them is in `claims`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, select

from schemas.enums import Stage
from schemas.tables import Generation
from storage.statements import Executor

IS_FREE = "(lease_until IS NULL OR lease_until < clock_timestamp())"
"""SQL: that no worker holds the row. It has no lease, or one that ran out."""


@dataclass(frozen=True)
class Wake:
    """What a wake-up message needs to know of a generation."""

    generation_id: UUID
    stage: Stage
    attempt: int
    is_called_back: bool = False
    """The provider called: there will hardly be nothing to do but to fetch the result."""


def due_unless_held(after: str = "interval '0'") -> str:
    """SQL: the next look. Now, or `after` that; or, while a worker holds the row, as it is.

    Whoever gives the claim up sees what came meanwhile.
    """
    return f"""
        CASE WHEN generations.lease_until IS NULL OR generations.lease_until < clock_timestamp()
        THEN clock_timestamp() + {after} ELSE generations.wake_at END
    """


def find(session: Session, generation_id: UUID, *, customer_id: UUID | None = None) -> Generation | None:
    """A generation, if it exists and, where a customer is named, is theirs."""
    statement = select(Generation).where(Generation.id == generation_id)
    if customer_id is not None:
        statement = statement.where(Generation.customer_id == customer_id)
    return session.exec(statement).one_or_none()


def database_now(session: Session) -> datetime:
    """The database's clock, in UTC: the one that `wake_at`, leases and deadlines are measured by."""
    moment: datetime = session.exec(select(func.clock_timestamp())).one()
    return moment.astimezone(UTC)


def make_due(executor: Executor, wakes: Sequence[Wake]) -> None:
    """Leave wake-ups that were not sent to the waker: without this they would wait until `resend_after` has passed."""
    given = {
        "ids": [wake.generation_id for wake in wakes],
        "attempts": [wake.attempt for wake in wakes],
        "stages": [wake.stage.value for wake in wakes],
    }
    executor.execute(_MAKE_DUE, given)


# In one order for all: two processes must not wait for each other's rows.
_MAKE_DUE = text(f"""
    UPDATE generations SET wake_at = clock_timestamp()
    WHERE id IN (
        SELECT id FROM generations
        JOIN unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[]), CAST(:stages AS text[]))
            AS meant (id, attempt, stage) USING (id, attempt, stage)
        WHERE {IS_FREE}
        ORDER BY id FOR NO KEY UPDATE OF generations
    )
""")  # noqa: S608 -- built of constants


def take_due(executor: Executor, stages: Iterable[Stage], *, limit: int, resend_after: float) -> list[Wake]:
    """Pick generations that must be looked at now, and put their next look off by `resend_after` seconds.

    Customers take turns: the first due generation of each, then the second of each, so that one customer's burst does
    not delay the others. Rows that another waker is picking are skipped.
    """
    rows = executor.execute(
        TAKE_DUE, {"stages": [stage.value for stage in stages], "limit": limit, "resend_after": resend_after}
    )
    return [Wake(row.id, Stage(row.stage), row.attempt, is_called_back=row.is_called_back) for row in rows]


# Whoever downloads may as well ask whether there is something to download.
SERVED_AS = """
    CASE WHEN generations.stage = 'generating' AND generations.callback_at > generations.claimed_at
    THEN 'downloading' ELSE generations.stage END
"""

# now(), the start of the transaction: with clock_timestamp(), which may change from row to row, no index would serve.
# IS TRUE, in `picked`, is there so that none does: PostgreSQL expects few due rows, and would go through all of them
# again for each that it picks, instead of fetching that one by its id.
TAKE_DUE = text(f"""
    WITH due AS (
        SELECT id, wake_at, row_number() OVER (PARTITION BY customer_id ORDER BY wake_at, id) AS turn
        FROM generations
        WHERE wake_at <= now() AND {SERVED_AS} = ANY(:stages) AND (lease_until IS NULL OR lease_until < now())
    ), first AS (
        SELECT id FROM due ORDER BY turn, wake_at LIMIT :limit
    ), picked AS (
        SELECT generations.id
        FROM first JOIN generations USING (id)
        WHERE (generations.wake_at <= now()) IS TRUE AND {SERVED_AS} = ANY(:stages)
        FOR UPDATE OF generations SKIP LOCKED
    )
    UPDATE generations SET wake_at = clock_timestamp() + make_interval(secs => :resend_after)
    FROM picked WHERE generations.id = picked.id
    RETURNING generations.id, generations.stage, generations.attempt, {SERVED_AS} <> generations.stage AS is_called_back
""")  # noqa: S608 -- built of constants
