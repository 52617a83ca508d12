"""Counts unfinished generations by stage, and the generations that ended in the last day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from schemas.enums import Stage
from storage.sql import IS_FREE


@dataclass(frozen=True)
class StageCount:
    """The unfinished generations in one stage."""

    stage: Stage
    """The stage."""
    count: int
    """The number of generations in the stage."""
    oldest_seconds: float
    """The age of the oldest generation since its acceptance."""
    late: int
    """The number of generations that are due for half a minute and that no worker has claimed."""


_UNFINISHED = text(f"""
    SELECT stage, count(*) AS number, extract(epoch FROM now() - min(created_at)) AS oldest_seconds,
           count(*) FILTER (WHERE wake_at < now() - interval '30 s' AND {IS_FREE}) AS late
    FROM generations WHERE wake_at IS NOT NULL GROUP BY stage
""")  # noqa: S608 -- built of constants

_FINISHED = text("""
    SELECT stage, count(*) AS number FROM generations WHERE finished_at > now() - interval '24 h' GROUP BY stage
""")


def unfinished(session: Session) -> Sequence[StageCount]:
    """Count the unfinished generations by stage, in the order of the stages. Empty stages are left out."""
    found = {Stage(row.stage): row for row in session.execute(_UNFINISHED, {})}
    return [
        StageCount(stage, found[stage].number, round(float(found[stage].oldest_seconds), 1), found[stage].late)
        for stage in Stage
        if stage in found
    ]


def finished_today(session: Session) -> Mapping[Stage, int]:
    """Count the generations that ended in the last 24 hours, by their last stage."""
    return {Stage(row.stage): row.number for row in session.execute(_FINISHED, {})}
