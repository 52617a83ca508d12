"""The questions of a person at the screen: which generations to list, or which one to tell about."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from schemas.enums import Stage
from schemas.timeline_api import OperatorsTimeline
from schemas.watching import View
from storage.watching.rows import Found

TITLES: Final = {
    View.UNFINISHED: "unfinished",
    View.STUCK: "stuck",
    View.FAILED: "failed in the last hour",
    View.UNKNOWN: "unknown outcome of a create",
    View.WEBHOOKS: "webhooks that do not arrive",
    View.ENDED: "ended last",
}
"""The names of the lists."""


@dataclass(frozen=True)
class Question:
    """The rows that the screen shows."""

    view: View = View.UNFINISHED
    """The list."""
    stage: Stage | None = None
    """Only the unfinished generations in this stage."""
    text: str | None = None
    """The search. It takes the place of the list."""
    generation_id: UUID | None = None
    """The generation whose timeline is open. It takes the place of the rows."""

    def without_timeline(self) -> "Question":
        """The question behind an open timeline."""
        return replace(self, generation_id=None)

    @property
    def title(self) -> str:
        """The question in a few words."""
        if self.text is not None:
            return f"search: {self.text}"
        return f"{TITLES[self.view]}, {self.stage}" if self.stage else TITLES[self.view]


@dataclass(frozen=True)
class TimelineFound:
    """The timeline of a generation, and the time at which it was read."""

    timeline: OperatorsTimeline
    """The timeline."""
    now: datetime
    """The time, by the database's clock."""


Answer = Found | TimelineFound | None
"""The rows, or the timeline. None: there is no such generation."""
