"""What every sweeper works with, and tells."""

from dataclasses import dataclass
from typing import Self

from schemas.settings import RetentionSettings
from storage.database import Database
from storage.objects import ObjectStore

SLICE = 500


@dataclass(frozen=True)
class Sweep:
    """One run. A dry one changes nothing and finds the same."""

    database: Database
    objects: ObjectStore
    retention: RetentionSettings
    is_dry: bool


@dataclass(frozen=True)
class Portion:
    """A part of what was swept; `failed` are those that could not be removed, and are not in `count`."""

    count: int = 0
    size_bytes: int = 0
    failed: int = 0

    def __add__(self, other: Self) -> "Portion":
        return Portion(self.count + other.count, self.size_bytes + other.size_bytes, self.failed + other.failed)
