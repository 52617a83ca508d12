"""Reads generations, and takes the wake-ups that are due. Claims are in `claims`, and moves are in `transitions`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from schemas.enums import Stage
from schemas.errors import NotFound
from schemas.tables import Generation
from storage.sql import IS_FREE, Sql, returns


@dataclass(frozen=True)
class Wake:
    """A wake-up: the parts of a generation that its message needs."""

    generation_id: UUID
    """The generation to look at."""
    stage: Stage
    """The stage of the generation."""
    attempt: int
    """The generation's number of claims so far. A claim must match this number."""
    is_called_back: bool = False
    """A callback arrived, so the result is probably ready."""


def find(
    session: Session, generation_id: UUID, *, customer_id: UUID | None = None, locks: bool = False
) -> Generation | None:
    """Find a generation.

    Args:
        customer_id: find only a generation of this customer that the customer has not deleted.
        locks: lock the row until the end of the transaction.
    """
    statement = select(Generation).where(Generation.id == generation_id)
    if customer_id is not None:
        statement = statement.where(Generation.customer_id == customer_id, col(Generation.deleted_at).is_(None))
    return session.exec(statement.with_for_update() if locks else statement).one_or_none()


def require(session: Session, generation_id: UUID, *, customer_id: UUID, locks: bool = False) -> Generation:
    """Find a generation of a customer, as `find` does.

    Raises:
        NotFound: the customer has no such generation.
    """
    found = find(session, generation_id, customer_id=customer_id, locks=locks)
    if found is None:
        raise not_found(generation_id)
    return found


def not_found(generation_id: UUID) -> NotFound:
    """The error for a customer who has no such generation."""
    return NotFound(f"you have no generation {generation_id}")


def database_now(session: Session) -> datetime:
    """The time of the database's clock, in UTC. `wake_at`, leases and deadlines use this clock."""
    moment: datetime = session.exec(select(func.clock_timestamp())).one()
    return moment.astimezone(UTC)


def make_due(sql: Sql, wakes: Sequence[Wake]) -> None:
    """Make generations due now, because their wake-ups were not sent. The waker sends the wake-ups at its next run."""
    sql.run(
        _MAKE_DUE,
        ids=[wake.generation_id for wake in wakes],
        attempts=[wake.attempt for wake in wakes],
        stages=[wake.stage.value for wake in wakes],
    )


# Rows are locked in the order of their ids, so that two processes do not deadlock.
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


def look_now(sql: Sql, generation_id: UUID) -> bool:
    """Make an unfinished generation due now, and forget the failures that its pauses grew by.

    Returns False while a worker has a claim: the worker looks at the generation at this moment.
    """
    return sql.first(_LOOK_NOW, id=generation_id) is not None


_LOOK_NOW = returns(UUID)(f"""
    UPDATE generations SET wake_at = clock_timestamp(), failures = 0
    WHERE id = %(id)s AND wake_at IS NOT NULL AND {IS_FREE}
    RETURNING id
""")  # noqa: S608 -- a constant


def take_due(sql: Sql, stages: Iterable[Stage], *, limit: int, resend_after: float) -> list[Wake]:
    """Take generations that are due, and put their next look off by `resend_after` seconds.

    Customers take turns: first one due generation of each customer, then a second one. So one customer's burst does not
    delay other customers. Rows that another waker has locked are skipped.
    """
    return sql.all(TAKE_DUE, stages=[stage.value for stage in stages], limit=limit, resend_after=resend_after)


SERVED_AS = "CASE WHEN stage = 'generating' AND callback_at > claimed_at THEN 'downloading' ELSE stage END"
"""An SQL expression: the stage whose queue serves a row.

After a callback, poll runs on the download queue: the same worker can then fetch the file.
"""

# `now()` is the start of the transaction. `clock_timestamp()` may change between rows, so no index could serve.
# `IS TRUE` in `picked` prevents the use of the index on `wake_at`. PostgreSQL expects few due rows: with the index, it
# would read all due rows again for each picked row, instead of fetching the picked row by its id.
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
