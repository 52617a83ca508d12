"""The argument and the results of every sweeper, and the loop of most of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from sqlalchemy import TextClause

from schemas.setting_groups import RetentionSettings
from storage.database import Database
from storage.objects import ObjectStore

SLICE = 500


@dataclass(frozen=True)
class Sweep:
    """One run of a sweep."""

    database: Database
    """The connections to PostgreSQL."""
    objects: ObjectStore
    """The object store."""
    retention: RetentionSettings
    """The ages at which files and records expire."""
    is_dry: bool
    """True: count the same things, and remove nothing."""
    session_idle: timedelta | None = None
    """The time without use after which a session has ended. None: only the longest time ends sessions."""


@dataclass(frozen=True)
class Portion:
    """A slice's result. The sum of two portions is a portion."""

    count: int = 0
    """The number of removed things."""
    size_bytes: int = 0
    """The size of the removed things."""
    failed: int = 0
    """The number of things that could not be removed. `count` does not include them."""

    def __add__(self, other: Self) -> "Portion":
        return Portion(self.count + other.count, self.size_bytes + other.size_bytes, self.failed + other.failed)


def in_slices(run: Sweep, days: float, *, remove: TextClause, count: TextClause) -> Iterator[Portion]:
    """Run `remove` until it finds nothing more. A dry run runs `count` once."""
    age = seconds(days)
    if run.is_dry:
        yield counted(run, count, age)
        return
    while True:
        with run.database.transaction() as session:
            removed: int = session.execute(remove, {"age": age, "slice": SLICE}).scalar_one()
        if not removed:
            return
        yield Portion(removed)


def counted(run: Sweep, query: TextClause, age: float) -> Portion:
    """The result of a dry run: `query` counts things and their bytes."""
    with run.database.transaction() as session:
        count, size_bytes = session.execute(query, {"age": age}).one()
    return Portion(count, int(size_bytes))


def seconds(days: float) -> float:
    """A time in seconds, as statements take an age."""
    return timedelta(days=days).total_seconds()
