"""Finds one page. No page reads more rows than `_READS_AN_ENTRY` times its limit, however many rows there are.

The rarest filter leads: its index gives candidates in the list's order, and the other filters check each candidate. A
page ends when it is full or when its reads are used up. Its cursor then names the last candidate, and the next page
goes on there. A single filter needs no checks, so its pages are full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.lists import Position
from storage.finding.directions import NEWEST_FIRST, Direction
from storage.finding.filters import EVERY, Filter, Filters, Table, Way, given, parameters
from storage.sql import Query, Sql, returns

_READS_AN_ENTRY = 20


@dataclass(frozen=True)
class Page:
    """One page of generations."""

    ids: list[UUID]
    """The generations, in the order of the list."""
    next: Position | None
    """The position after which the next page begins. None at the end of the list."""


@dataclass(frozen=True)
class _Candidate:
    """A row that the leading filter found."""

    created_at: datetime
    """The time of acceptance."""
    id: UUID
    """The generation."""
    fits: bool
    """Whether the other filters are met, too."""

    @property
    def position(self) -> Position:
        return Position(self.created_at, self.id)


def lexemes(sql: Sql, text: str) -> tuple[str, ...]:
    """The words of a text that PostgreSQL's full text looks for, the longest first. It has no words such as "the"."""
    return tuple(reversed(sql.all(_LEXEMES, text=text)))


_LEXEMES = returns(str)("SELECT unnest(tsvector_to_array(to_tsvector('english', %(text)s)))")


def find(
    sql: Sql, filters: Filters, after: Position | None, *, limit: int, direction: Direction = NEWEST_FIRST
) -> Page:
    """Find the page that follows a position. None: the first page.

    Call this function and read the rows in one snapshot, so that a generation's move does not change the page.
    """
    wanted = list(given(filters))
    bounds = _bounds(filters, after, direction)
    values = parameters(filters) | {"after_at": after and after.created_at, "after_id": after and after.id}
    ways = _compared([way for each in wanted for way in each.ways] or [EVERY], limit)
    way = ways[0] if len(ways) == 1 else _rarest(sql, ways, bounds, values, limit, direction)
    checks = [each for each in wanted if not (each.is_exact and way in each.ways)]
    count = limit + 1
    if checks:
        tables = len(way.branches) + len({each.table for each in checks})
        count = max((_READS_AN_ENTRY * limit - _reads(ways, limit)) // tables, 1)
    return _page(sql.all(_candidates(way, bounds, checks, count, direction), **values), limit, count)


def _page(candidates: Sequence[_Candidate], limit: int, count: int) -> Page:
    fitting = [candidate for candidate in candidates if candidate.fits]
    ids = [candidate.id for candidate in fitting[:limit]]
    if len(fitting) > limit:
        return Page(ids, fitting[limit - 1].position)
    return Page(ids, candidates[-1].position if len(candidates) == count else None)


def _compared(ways: Sequence[Way], limit: int) -> Sequence[Way]:
    """The first ways, as many as can be compared for half of the reads."""
    affordable = (
        count for count in range(len(ways), 1, -1) if _reads(ways[:count], limit) <= _READS_AN_ENTRY * limit / 2
    )
    return ways[: next(affordable, 1)]


def _reads(ways: Sequence[Way], limit: int) -> int:
    """The reads that a comparison costs."""
    return sum(len(way.branches) for way in ways) * (limit + 1) if len(ways) > 1 else 0


def _rarest(
    sql: Sql, ways: Sequence[Way], bounds: str, values: dict[str, object], limit: int, direction: Direction
) -> Way:
    """The way whose next `limit` rows reach furthest. A way without so many is the rarest."""
    following = [_in_order(way, bounds, limit + 1, direction) for way in ways]
    reaches = ", ".join(f"(SELECT created_at FROM ({rows}) w OFFSET {limit})" for rows in following)  # noqa: S608 -- constants
    reached = sql.first(returns(lambda *moments: moments)(f"SELECT {reaches}"), **values) or ()
    return ways[direction.furthest(reached)]


def _candidates(way: Way, bounds: str, checks: Sequence[Filter], count: int, direction: Direction) -> Query[_Candidate]:
    fits = " AND ".join(_look_up(table, checks) for table in dict.fromkeys(each.table for each in checks)) or "true"
    return returns(_Candidate)(f"""
        SELECT created_at, id, {fits} AS fits FROM ({_in_order(way, bounds, count, direction)}) c
        ORDER BY created_at {direction.order}, id {direction.order}
    """)  # noqa: S608 -- constants


def _look_up(table: Table, checks: Sequence[Filter]) -> str:
    """The checks of one table. A subquery looks each candidate up by its id; a join may read the whole table."""
    conditions = " AND ".join(each.check for each in checks if each.table == table)
    return f"coalesce((SELECT {conditions} FROM {table.name} WHERE {table.id} = c.id), false)"  # noqa: S608 -- constants


def _in_order(way: Way, bounds: str, count: int, direction: Direction) -> str:
    """The next rows of a way. The count is a literal, so that each plan knows how few rows are wanted."""
    following = f"ORDER BY created_at {direction.order}, id {direction.order} LIMIT {count}"
    branches = [
        f"(SELECT created_at, {way.id} AS id FROM {branch}{bounds.format(id=way.id)} {following})"  # noqa: S608 -- constants
        for branch in way.branches
    ]
    if len(branches) == 1:
        return branches[0]
    return f"SELECT created_at, id FROM ({' UNION ALL '.join(branches)}) b {following}"  # noqa: S608 -- constants


def _bounds(filters: Filters, after: Position | None, direction: Direction) -> str:
    """The conditions that bound every way to a part of the list."""
    parts = [
        f"(created_at, {{id}}) {direction.beyond} (%(after_at)s, %(after_id)s)" if after else "",
        "created_at >= %(created_from)s" if filters.created_from else "",
        "created_at < %(created_before)s" if filters.created_before else "",
    ]
    return "".join(f" AND {part}" for part in parts if part)
