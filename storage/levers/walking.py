"""Walks over the generations that a selection may have, in short statements: the candidates, in windows.

A selection without an index of its own would read a whole table in one statement, which the database ends after 30 s.
A walk reads candidates by an index instead, in the order of their acceptance. The conditions of the selection and of
the lever then apply to a window of them. So no statement reads more rows for a larger table.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Final
from uuid import UUID

from schemas.causes import CANCELS, cause_of_failure
from schemas.enums import ErrorCode, Stage
from schemas.errors import InvalidRequest
from schemas.lever_token import Seen
from schemas.levers import Selection
from schemas.stages import TERMINAL
from storage.levers.selecting import too_long, within_limit
from storage.sql import Sql, returns

WINDOW = 20_000
"""The candidates of a window, to which a statement applies the conditions."""

NARROW = 50_000
"""The most candidates of an index without an order of acceptance. The indexes of labels lead beyond."""

_MOST_BRANCHES: Final = 100

Watch = Callable[[int], None]
"""Hears the number of candidates that were read so far. May raise to end the walk."""


def unwatched(_read: int) -> None:
    """Let a walk take the time that it takes."""


def for_seconds(seconds: float) -> Watch:
    """A watch that ends walks after so many seconds in all, with the words that a slow statement has.

    The watch raises InvalidRequest.
    """
    ends_at = time.monotonic() + seconds

    def check(_read: int) -> None:
        if time.monotonic() >= ends_at:
            raise too_long()

    return check


@dataclass(frozen=True, order=True)
class _Place:
    """A generation in the order of acceptance."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class Window:
    """Some candidates, for a statement of `Selected.into_window`."""

    source: str
    """What gives the candidates in `FROM`, with the column `id`."""
    given: dict[str, object]
    """The parameters of `source`."""
    size: int
    """The candidates."""


class Walk:
    """The candidates of a selection, window by window.

    The place of a generation never changes, so a walk meets each one once, also if generations move meanwhile.
    """

    def __init__(self, selection: Selection, seen: Seen, after: UUID | None = None) -> None:
        """Prepare a walk.

        Args:
            after: the generation behind which the walk begins. None: at the first.
        """
        self._way = _way_of(selection, seen)
        self._narrow = _narrow_of(selection)
        self._after = after
        self._place: _Place | None = None
        self._listed: list[_Place] | None = None
        self._has_begun = False

    def windows(self, sql: Sql, size: int) -> Iterator[Window]:
        """The following windows, each of at most `size` candidates."""
        while window := self.following(sql, size):
            yield window

    def following(self, sql: Sql, size: int) -> Window | None:
        """The next window. None at the end.

        Raises:
            InvalidRequest: the generation behind which to begin does not exist, or the database is too slow.
        """
        with within_limit():
            if not self._has_begun:
                self._begin(sql)
            if self._listed is None:
                return self._on_the_way(sql, size)
        places, self._listed = self._listed[:size], self._listed[size:]
        ids = [place.id for place in places]
        return Window("unnest(%(window)s::uuid[]) AS w (id)", {"window": ids}, len(ids)) if ids else None

    def _begin(self, sql: Sql) -> None:
        if self._after is not None:
            self._place = sql.first(_PLACE, id=self._after)
            if self._place is None:
                raise InvalidRequest.of_fields([("after", "is no generation: send `next` of the answer before")])
        if self._narrow is not None:
            self._listed = self._narrow.listed(sql, self._place)
        self._has_begun = True

    def _on_the_way(self, sql: Sql, size: int) -> Window | None:
        end = self._way.end(sql, self._place, size)
        if end is None:
            return None
        window = self._way.window(self._place, end, size)
        self._place = _Place(end.created_at, end.id)
        return window


_PLACE = returns(_Place)("SELECT created_at, id FROM generations WHERE id = %(id)s")


@dataclass(frozen=True)
class _End:
    """The last candidate of a window."""

    created_at: datetime
    id: UUID
    number: int
    """The candidates of the window."""


@dataclass(frozen=True)
class _Way:
    """Indexes that give candidates in the order of acceptance, merged."""

    table: str
    id: str
    branches: tuple[str, ...]
    """Conditions, each on the first columns of one index."""
    bounds: str
    given: dict[str, object]

    def end(self, sql: Sql, place: _Place | None, size: int) -> _End | None:
        """The last of the next `size` candidates. None: there are no more."""
        query = returns(_End)(f"""
            SELECT created_at, id, number FROM (
                SELECT created_at, id, row_number() OVER (ORDER BY created_at, id) AS number
                FROM ({self._rows(self._beyond(place), size)}) c ORDER BY created_at, id LIMIT {size}
            ) n ORDER BY number DESC LIMIT 1
        """)  # noqa: S608 -- constants
        return sql.first(query, **self.given, **_given(place, "place"))

    def window(self, place: _Place | None, end: _End, size: int) -> Window:
        """The candidates behind a place, up to an end."""
        bounds = f"{self._beyond(place)} AND (created_at, {self.id}) <= (%(end_at)s, %(end_id)s)"
        # A transaction that commits late may add to the window meanwhile.
        source = f"({self._rows(bounds, 2 * size)}) AS w"
        given = {**self.given, **_given(place, "place"), **_given(_Place(end.created_at, end.id), "end")}
        return Window(source, given, end.number)

    def _beyond(self, place: _Place | None) -> str:
        return "" if place is None else f" AND (created_at, {self.id}) > (%(place_at)s, %(place_id)s)"

    def _rows(self, bounds: str, most: int) -> str:
        # A branch has an order and a limit of its own, so the plan is the index with any statistics.
        return " UNION ALL ".join(
            f"(SELECT created_at, {self.id} AS id FROM {self.table} WHERE {branch} AND {self.bounds}{bounds}"  # noqa: S608 -- constants
            f" ORDER BY created_at, {self.id} LIMIT {most})"
            for branch in self.branches
        )


def _given(place: _Place | None, name: str) -> dict[str, object]:
    return {} if place is None else {f"{name}_at": place.created_at, f"{name}_id": place.id}


def _way_of(selection: Selection, seen: Seen) -> _Way:
    """The way of a selection's batches, else of its customers, else of all generations. Times bound each way."""
    given: dict[str, object] = {"counted_at": seen.counted_at}
    bounds = ["created_at <= %(counted_at)s"]
    if selection.accepted_after:
        bounds.append("created_at >= %(accepted_after)s")
        given["accepted_after"] = selection.accepted_after
    if selection.accepted_before:
        bounds.append("created_at < %(accepted_before)s")
        given["accepted_before"] = selection.accepted_before
    # A name that is given twice is one branch.
    named = dict.fromkeys(selection.batch_id or selection.customer_id)
    owners = {f"owner_{number}": one for number, one in enumerate(named)}
    column = "batch_id" if selection.batch_id else "customer_id"
    branches = [f"{column} = %({name})s" for name in owners] or ["true"]
    table, id_column = "generation_labels", "generation_id"
    stages = _stages_of(selection)
    if selection.customer_id and not selection.batch_id and stages and len(owners) * len(stages) <= _MOST_BRANCHES:
        table, id_column = "generations", "id"
        by_stage = [f"deleted_at IS NULL AND stage = '{stage}'" for stage in sorted(stages)]
        branches = [" AND ".join(both) for both in product(branches, by_stage)]
    return _Way(table, id_column, tuple(branches), " AND ".join(bounds), given | owners)


@dataclass(frozen=True)
class _Narrow:
    """An index without an order of acceptance. It serves while it has few entries."""

    rows: str
    given: dict[str, object]

    def listed(self, sql: Sql, place: _Place | None) -> list[_Place] | None:
        """The candidates behind a place. None: there are too many to list."""
        query = returns(_Place)(f"SELECT created_at, id FROM generations WHERE {self.rows} LIMIT {NARROW + 1}")  # noqa: S608 -- constants
        places = sql.all(query, **self.given)
        if len(places) > NARROW:
            return None
        return sorted(one for one in places if place is None or one > place)


def _narrow_of(selection: Selection) -> _Narrow | None:
    if selection.id:
        return _Narrow("id = ANY(%(id)s::uuid[]) ORDER BY id", {"id": selection.id})
    stages = _stages_of(selection)
    if stages == frozenset():
        return _Narrow("false", {})
    if selection.batch_id or selection.customer_id:
        return None
    if stages is not None and not stages & TERMINAL:
        return _Narrow("wake_at IS NOT NULL ORDER BY wake_at", {})
    if stages == frozenset({Stage.FAILED}):
        codes = [code.value for code in _codes_of(selection)]
        return _Narrow("error_code = ANY(%(codes)s::text[]) ORDER BY error_code, finished_at", {"codes": codes})
    return None


def _stages_of(selection: Selection) -> frozenset[Stage] | None:
    """The stages that all conditions leave. None: every stage."""
    stages = frozenset(Stage) if selection.stages is None else selection.stages
    if selection.failing:
        stages -= TERMINAL
    if selection.error_code:
        stages &= {Stage.FAILED}
    if selection.cause:
        stages &= {Stage.FAILED, *([Stage.CANCELLED] if CANCELS & set(selection.cause) else [])}
    return None if len(stages) == len(Stage) else stages


def _codes_of(selection: Selection) -> list[ErrorCode]:
    """The codes of failures that all conditions leave."""
    return [
        code
        for code in selection.error_code or ErrorCode
        if not selection.cause
        or {cause_of_failure(code, was_accepted=accepted) for accepted in (True, False)} & set(selection.cause)
    ]
