"""Runs a lever over a selection: acts on one generation after the other, each in a transaction of its own.

A run begins with the oldest generation, and may stop at any time. The same selection selects the rest: the conditions
of a lever leave out what it has done, and an act that is repeated all the same changes nothing more.
"""

from collections.abc import Iterable, Iterator
from uuid import UUID

from storage.database import Database
from storage.levers import walking
from storage.levers.acting import Acted, Means, Run, act
from storage.levers.changes import AtItsEnd
from storage.levers.selecting import selected, within_limit
from storage.levers.walking import Walk, Watch, Window, unwatched
from storage.sql import Sql, returns

_SLICE = 1_000
"""The candidates that are read before the lever acts on some of them."""


def slice_of(sql: Sql, run: Run, after: UUID | None, *, limit: int, watch: Watch = unwatched) -> list[UUID]:
    """The next generations of a run, in the order of their acceptance.

    Args:
        after: the last id of the slice before. None: the first slice.
        watch: hears the progress.

    Raises:
        InvalidRequest: `after` is no generation, or the search takes longer than the database or the watch allows.
    """
    walk, size, read = Walk(run.selection, run.seen, after), _SLICE, 0
    found: list[UUID] = []
    while len(found) < limit and (window := walk.following(sql, size)):
        ids = _acted_on(sql, run, window)
        found += ids
        size = _after_finding(ids, size)
        read += window.size
        watch(read)
    return found[:limit]


def left(sql: Sql, run: Run, after: UUID, *, watch: Watch = unwatched) -> int:
    """The generations of a run that follow an id.

    Raises:
        InvalidRequest: the count takes longer than the database or the watch allows.
    """
    meant = selected(run.lever, run.selection, run.seen)
    count = read = 0
    for window in Walk(run.selection, run.seen, after).windows(sql, walking.WINDOW):
        with within_limit():
            query = returns(int)(meant.into_window(window.source, _LEFT))
            count += sql.first(query, **{**meant.given, **window.given}) or 0
        read += window.size
        watch(read)
    return count


def act_on(database: Database, means: Means, run: Run, ids: Iterable[UUID]) -> Iterator[Acted]:
    """Act on generations, one after the other, until the run has all the effects that its count allows."""
    try:
        for generation_id in ids:
            yield act(database, means, run, generation_id)
    except AtItsEnd:
        return


def act_on_all(database: Database, means: Means, run: Run) -> Iterator[Acted]:
    """Act on a whole selection, until the run has all the effects that its count allows."""
    return act_on(database, means, run, _all(database, run))


def _all(database: Database, run: Run) -> Iterator[UUID]:
    """The generations of a run, window by window."""
    walk, size = Walk(run.selection, run.seen), _SLICE
    while True:
        # No connection is held while the lever acts.
        with database.statement() as sql:
            window = walk.following(sql, size)
            if window is None:
                return
            ids = _acted_on(sql, run, window)
        size = _after_finding(ids, size)
        yield from ids


def _after_finding(ids: list[UUID], size: int) -> int:
    """The size of the next window. Where few generations are meant, a run finds them in larger windows."""
    return _SLICE if ids else min(2 * size, walking.WINDOW)


def _acted_on(sql: Sql, run: Run, window: Window) -> list[UUID]:
    """Those of a window on which the lever acts, in the order of acceptance."""
    meant = selected(run.lever, run.selection, run.seen)
    with within_limit():
        query = returns(UUID)(meant.into_window(window.source, _IDS))
        return sql.all(query, **{**meant.given, **window.given})


_IDS = "SELECT g.id FROM {tables} WHERE {condition} AND {acts} ORDER BY g.created_at, g.id"

_LEFT = "SELECT count(*) FROM {tables} WHERE {condition} AND {acts}"
