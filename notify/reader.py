"""Reads committed events. Every consumer of events reads here.

One generation's events are in the order of their ids: a move locks the generation's row before it takes an id, so the
next move takes a higher id after the first is committed. Events of many generations are in that order only up to the
watermark (`notify.watermark`).
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from notify.events import CommittedEvent, Marks, progress_of
from notify.told import EventFacts, facts_where
from notify.watermark import Watermark
from schemas.enums import Stage
from schemas.setting_groups import RetentionSettings
from storage.database import AsyncDatabase
from storage.sql import Sql, returns

BATCH = 200
"""The most events of one customer that one look returns."""

NO_EVENTS = 2**62
"""A position above each id. A look that asks after it reads no event."""

# A page waits so long for open transactions that hold back events: the usual transaction ends within.
_TRIES = 5
_TRY_AGAIN_SECONDS = 0.02


@dataclass(frozen=True)
class Standing:
    """A generation's row, and its events after a position. Both are of one snapshot."""

    generation_id: UUID
    """The generation."""
    customer_id: UUID
    """The customer."""
    stage: Stage
    """The stage."""
    progress: int
    """Percent done."""
    marks: Marks
    """The customer's texts of the request."""
    events: Sequence[CommittedEvent]
    """The moves after the position, in order."""


Position = tuple[UUID, int]
"""A customer, and the id after which events are wanted."""


@dataclass(frozen=True)
class Look:
    """The result of one look."""

    standings: Mapping[UUID, Standing]
    """The generations, by id. A deleted one is missing."""
    batches: Mapping[Position, Sequence[CommittedEvent]]
    """Up to `BATCH` events of each customer after each position."""
    settled: int | None
    """The watermark: the batches contain events up to this id."""
    newest: int
    """The highest committed id."""
    is_held: bool
    """Whether events of customers wait for an open transaction."""


@dataclass(frozen=True)
class Page:
    """Some events of a customer, in order."""

    events: Sequence[CommittedEvent]
    """The events."""
    has_more: bool
    """Whether further events follow at once."""


_Moved = tuple[Standing, CommittedEvent | None]
"""A generation without its events, and one of its events."""

_MARKS = """g."order" ->> 'reference' AS reference, coalesce(g."order" -> 'metadata', '{}') AS metadata"""


def _moved(
    generation_id: UUID,
    customer_id: UUID,
    stage: str,
    progress: int,
    reference: str | None,
    metadata: dict[str, str],
    event_id: int | None,
    *rest: Any,
) -> _Moved:
    marks = Marks(reference, metadata)
    standing = Standing(generation_id, customer_id, Stage(stage), progress, marks, ())
    return standing, None if event_id is None else _event(event_id, generation_id, *(*rest, progress, marks))


def _event(
    event_id: int,
    generation_id: UUID,
    stage: str,
    recorded: int | None,
    data: dict[str, object],
    created_at: datetime,
    current: int,
    marks: Marks,
) -> CommittedEvent:
    progress = progress_of(Stage(stage), recorded, current)
    return CommittedEvent(event_id, generation_id, Stage(stage), progress, data, created_at, marks)


_OF_GENERATIONS = returns(_moved)(f"""
    SELECT g.id, g.customer_id, g.stage, g.progress, {_MARKS}, e.id, e.stage, e.progress, e.data, e.created_at
    FROM unnest(%(ids)s::uuid[], %(after)s::bigint[]) AS asked (id, after)
    JOIN generations AS g ON g.id = asked.id AND g.deleted_at IS NULL
    LEFT JOIN events AS e ON e.generation_id = g.id AND e.id > asked.after AND e.origin IS DISTINCT FROM e.stage
    ORDER BY g.id, e.id
""")  # noqa: S608 -- a constant


def _found(
    customer_id: UUID, after: int, reference: str | None, metadata: dict[str, str], *rest: Any
) -> tuple[Position, CommittedEvent]:
    return (customer_id, after), _event(*(*rest, Marks(reference, metadata)))


_OF_CUSTOMERS = returns(_found)(f"""
    SELECT asked.customer_id, asked.after, {_MARKS}, e.id, e.generation_id, e.stage, e.progress, e.data, e.created_at,
        g.progress
    FROM unnest(%(customers)s::uuid[], %(after)s::bigint[]) AS asked (customer_id, after)
    CROSS JOIN LATERAL (
        SELECT id, generation_id, stage, progress, data, created_at FROM events
        WHERE customer_id = asked.customer_id AND id > asked.after AND id <= %(settled)s
            AND origin IS DISTINCT FROM stage
        ORDER BY id LIMIT %(limit)s
    ) AS e
    JOIN generations AS g ON g.id = e.generation_id
    ORDER BY e.id
""")  # noqa: S608 -- a constant

_OF_ALL = facts_where("id > %(after)s AND id <= %(settled)s")


class EventReader:
    """Reads events for one process. One connection at a time serves all looks of the hub."""

    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database
        self._watermark = Watermark()
        # A look of the watermark is several statements. Two looks at a time would mix them.
        self._lock = asyncio.Lock()

    async def look(self, generations: Mapping[UUID, int], customers: Collection[Position]) -> Look:
        """Read the events of these generations and customers after their positions.

        Raises:
            the errors of `storage.outages.OUTAGES`.
        """
        async with self._lock:
            return await self._database.statement(lambda sql: self._look(sql, generations, customers))

    def _look(self, sql: Sql, generations: Mapping[UUID, int], customers: Collection[Position]) -> Look:
        settled = self._watermark.advance(sql) if customers else self._watermark.settled
        batches = of_customers(sql, customers, settled=settled, limit=BATCH) if customers and settled else {}
        return Look(
            standings=of_generations(sql, generations) if generations else {},
            batches=batches,
            settled=settled,
            newest=self._watermark.newest,
            is_held=bool(customers) and self._watermark.is_held,
        )

    async def page(self, customer_id: UUID, after: int, *, limit: int) -> Page:
        """Read up to `limit` events of a customer after an id."""
        settled = await self._settle()
        if settled is None:
            return Page([], has_more=False)
        found = await self._database.statement(
            lambda sql: of_customers(sql, [(customer_id, after)], settled=settled, limit=limit + 1)
        )
        events = found.get((customer_id, after), [])
        return Page(events[:limit], has_more=len(events) > limit)

    async def _settle(self) -> int | None:
        for _ in range(_TRIES):
            async with self._lock:
                settled = await self._database.statement(self._watermark.advance)
            if not self._watermark.is_held:
                break
            await asyncio.sleep(_TRY_AGAIN_SECONDS)
        return settled


@dataclass(frozen=True)
class End:
    """How far a generation has come."""

    stage: Stage
    """The stage."""
    newest: int
    """The id of the newest event."""


_END = returns(End)("""
    SELECT stage, coalesce(
        (SELECT max(id) FROM events WHERE generation_id = g.id AND origin IS DISTINCT FROM events.stage), 0
    ) AS newest
    FROM generations AS g
    WHERE id = %(generation_id)s AND customer_id = %(customer_id)s AND deleted_at IS NULL
""")


def end_of(sql: Sql, generation_id: UUID, customer_id: UUID) -> End | None:
    """Read how far a generation has come. None if the customer has no such generation."""
    return sql.first(_END, generation_id=generation_id, customer_id=customer_id)


def of_generations(sql: Sql, after: Mapping[UUID, int]) -> dict[UUID, Standing]:
    """Read generations, each with its events after an id."""
    rows = sql.all(_OF_GENERATIONS, ids=list(after), after=list(after.values()))
    return {standing.generation_id: standing for standing in map(_standing, _grouped(rows))}


def _grouped(rows: list[_Moved]) -> list[list[_Moved]]:
    return [list(same) for _, same in groupby(rows, key=lambda row: row[0].generation_id)]


def _standing(rows: Sequence[_Moved]) -> Standing:
    return replace(rows[0][0], events=[event for _, event in rows if event is not None])


def of_customers(
    sql: Sql, positions: Collection[Position], *, settled: int, limit: int
) -> dict[Position, list[CommittedEvent]]:
    """Read up to `limit` events of each customer after each position, up to the watermark."""
    found: dict[Position, list[CommittedEvent]] = {}
    rows = sql.all(
        _OF_CUSTOMERS, customers=[customer for customer, _ in positions], after=[after for _, after in positions],
        settled=settled, limit=limit,
    )  # fmt: skip
    for position, event in rows:
        found.setdefault(position, []).append(event)
    return found


def of_all(sql: Sql, after: int, *, settled: int, limit: int, retention: RetentionSettings) -> list[EventFacts]:
    """Read up to `limit` events of all customers after an id, up to the watermark."""
    return sql.all(_OF_ALL, after=after, settled=settled, limit=limit, asset_days=retention.asset_days)
