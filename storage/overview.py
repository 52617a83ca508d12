"""Counts unfinished generations by stage, and the generations that ended in the last day; how late events leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from schemas.enums import Stage
from storage import stream_position
from storage.sql import IS_FREE, Sql, of, returns


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


@dataclass(frozen=True)
class EventsOut:
    """How far the events that leave the system are behind."""

    stream_seconds: float | None
    """The age of the oldest event that is not in the stream in Redis. None: there is no stream."""
    webhooks_due: int
    """The number of webhooks whose time has come, to endpoints that are not paused."""
    webhooks_seconds: float
    """The time since the oldest of these webhooks was due."""


_UNFINISHED = text(f"""
    SELECT stage, count(*) AS number, extract(epoch FROM now() - min(created_at)) AS oldest_seconds,
           count(*) FILTER (WHERE wake_at < now() - interval '30 s' AND {IS_FREE}) AS late
    FROM generations WHERE wake_at IS NOT NULL GROUP BY stage
""")  # noqa: S608 -- built of constants

_FINISHED = text("""
    SELECT stage, count(*) AS number FROM generations WHERE finished_at > now() - interval '24 h' GROUP BY stage
""")

_DUE_WEBHOOKS = returns(lambda count, seconds: (int(count), float(seconds)))("""
    SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(next_at)), 0)
    FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
    WHERE d.state = 'pending' AND d.next_at <= clock_timestamp() AND e.paused_at IS NULL
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


def due_webhooks(sql: Sql) -> tuple[int, float]:
    """The number of webhooks whose time has come, to endpoints that are not paused; the seconds since the oldest."""
    return sql.all(_DUE_WEBHOOKS)[0]


def events_out(session: Session, *, has_stream: bool) -> EventsOut:
    """How far the stream in Redis and the webhooks are behind.

    Args:
        has_stream: whether the stream is switched on.
    """
    lag = stream_position.lag(of(session)) if has_stream else None
    count, seconds = due_webhooks(of(session))
    return EventsOut(None if lag is None else round(lag, 1), count, round(seconds, 1))
