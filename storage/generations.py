"""Generations: finding them, and what must be looked at when. What workers do with them is in `claims`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, select

from schemas.enums import Stage
from schemas.tables import Generation
from storage.sql import IS_FREE, Sql, returns


@dataclass(frozen=True)
class Wake:
    """What a wake-up message needs to know of a generation."""

    generation_id: UUID
    stage: Stage
    attempt: int
    is_called_back: bool = False
    """The provider called: there will hardly be nothing to do but to fetch the result."""


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


def make_due(sql: Sql, wakes: Sequence[Wake]) -> None:
    """Leave wake-ups that were not sent to the waker: without this they would wait until `resend_after` has passed."""
    sql.run(
        _MAKE_DUE,
        ids=[wake.generation_id for wake in wakes],
        attempts=[wake.attempt for wake in wakes],
        stages=[wake.stage.value for wake in wakes],
    )


# In one order for all: two processes must not wait for each other's rows.
_MAKE_DUE = f"""
    UPDATE generations SET wake_at = clock_timestamp()
    WHERE id IN (
        SELECT id FROM generations
        JOIN unnest(%(ids)s::uuid[], %(attempts)s::int[], %(stages)s::text[])
            AS meant (id, attempt, stage) USING (id, attempt, stage)
        WHERE {IS_FREE}
        ORDER BY id FOR NO KEY UPDATE OF generations
    )
"""  # noqa: S608 -- a constant


def take_due(sql: Sql, stages: Iterable[Stage], *, limit: int, resend_after: float) -> list[Wake]:
    """Pick generations that must be looked at now, and put their next look off by `resend_after` seconds.

    Customers take turns: the first due generation of each, then the second of each, so that one customer's burst does
    not delay the others. Rows that another waker is picking are skipped.
    """
    return sql.all(TAKE_DUE, stages=[stage.value for stage in stages], limit=limit, resend_after=resend_after)


SERVED_AS = "CASE WHEN stage = 'generating' AND callback_at > claimed_at THEN 'downloading' ELSE stage END"
"""SQL: whose work a row is. Whoever downloads may as well ask whether there is something to download."""

# now(), the start of the transaction: with clock_timestamp(), which may change from row to row, no index would serve.
# IS TRUE, in `picked`, is there so that none does: PostgreSQL expects few due rows, and would go through all of them
# again for each that it picks, instead of fetching that one by its id.
TAKE_DUE = returns(Wake)(f"""
    WITH due AS (
        SELECT id, wake_at, row_number() OVER (PARTITION BY customer_id ORDER BY wake_at, id) AS turn
        FROM generations
        WHERE wake_at <= now() AND {IS_FREE} AND {SERVED_AS} = ANY(%(stages)s)
    ), first AS (
        SELECT id FROM due ORDER BY turn, wake_at LIMIT %(limit)s
    ), picked AS (
        SELECT id, {SERVED_AS} AS served_as
        FROM first JOIN generations USING (id)
        WHERE (generations.wake_at <= now()) IS TRUE AND {SERVED_AS} = ANY(%(stages)s)
        FOR UPDATE OF generations SKIP LOCKED
    )
    UPDATE generations SET wake_at = clock_timestamp() + make_interval(secs => %(resend_after)s)
    FROM picked WHERE generations.id = picked.id
    RETURNING generations.id AS generation_id, stage, attempt, served_as <> stage AS is_called_back
""")  # noqa: S608 -- a constant
