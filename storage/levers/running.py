"""Runs a lever over a selection: each generation in a transaction of its own, in the order of their ids.

A run may stop at any time. The same selection selects what is left: the conditions of a lever leave out what it has
done, and an act that is repeated all the same changes nothing more.
"""

from collections.abc import Iterator
from uuid import UUID

from storage.database import Database
from storage.levers.acting import Acted, Means, Run, act
from storage.levers.changes import AtItsEnd
from storage.levers.selecting import selected, within_limit
from storage.sql import Sql, returns

_SLICE = 1_000


def slice_of(sql: Sql, run: Run, after: UUID | None, *, limit: int) -> list[UUID]:
    """The next generations of a run, in the order of their ids.

    Args:
        after: the last id of the slice before. None: the first slice.
    """
    meant = selected(run.lever, run.selection, run.seen)
    with within_limit():
        return sql.all(returns(UUID)(meant.into(_IDS)), **meant.given, after=after or UUID(int=0), limit=limit)


def left(sql: Sql, run: Run, after: UUID) -> int:
    """The generations of a run that follow an id."""
    meant = selected(run.lever, run.selection, run.seen)
    with within_limit():
        return sql.first(returns(int)(meant.into(_LEFT)), **meant.given, after=after) or 0


def act_on(database: Database, means: Means, run: Run, ids: list[UUID]) -> Iterator[Acted]:
    """Act on generations, one after the other, until the run has all the effects that its count allows."""
    try:
        for generation_id in ids:
            yield act(database, means, run, generation_id)
    except AtItsEnd:
        return


def act_on_all(database: Database, means: Means, run: Run) -> Iterator[Acted]:
    """Act on a whole selection, slice by slice."""
    after: UUID | None = None
    while True:
        with database.statement() as sql:
            ids = slice_of(sql, run, after, limit=_SLICE)
        yield from act_on(database, means, run, ids)
        if len(ids) < _SLICE:
            return
        after = ids[-1]


_IDS = """
    SELECT g.id FROM {tables} WHERE {condition} AND {acts} AND g.id > %(after)s ORDER BY g.id LIMIT %(limit)s
"""

_LEFT = "SELECT count(*) FROM {tables} WHERE {condition} AND {acts} AND g.id > %(after)s"
