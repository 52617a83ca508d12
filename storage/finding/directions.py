"""The two orders of a list in SQL: newest first, and oldest first. The same indexes serve both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final


@dataclass(frozen=True)
class Direction:
    """The order of a list."""

    order: str
    """The direction of the columns in ORDER BY."""
    beyond: str
    """The comparison that rows after a position meet."""
    end: datetime
    """A time beyond all rows."""

    def furthest(self, reached: Sequence[datetime | None]) -> int:
        """The number of the way that reaches furthest. None: a way that ends before, which reaches beyond all."""
        furthest = max if self.order == "ASC" else min
        return furthest(range(len(reached)), key=lambda number: reached[number] or self.end)


NEWEST_FIRST: Final = Direction("DESC", "<", datetime.min.replace(tzinfo=UTC))
OLDEST_FIRST: Final = Direction("ASC", ">", datetime.max.replace(tzinfo=UTC))
