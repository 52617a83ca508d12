"""The argument and the results of every sweeper."""

from dataclasses import dataclass
from typing import Self

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
