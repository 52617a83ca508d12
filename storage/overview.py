"""Counts unfinished generations by stage, and the generations that ended in the last day; how late events leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from schemas.causes import Cause, cause_of_cancel, cause_of_failure
from schemas.enums import ErrorCode, Stage
from schemas.names import ProviderName
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


class Unfinished(NamedTuple):
    """The unfinished generations of one model in one stage at one provider."""

    stage: Stage
    """The stage."""
    model: str
    """The model."""
    provider: ProviderName
    """The account."""
    number: int
    """The number of generations."""
    oldest_seconds: float
    """The age of the oldest generation since its acceptance."""
    stage_oldest_seconds: float
    """The time of the generation that is longest in the stage."""
    runnable: int
    """The generations that are due, and that no worker has claimed."""
    runnable_oldest_seconds: float | None
    """The time since the oldest of these was due. None: there is none."""
    claimed: int
    """The generations that a worker has claimed."""
    failing: int
    """The generations whose last tries failed or crashed."""


class Ended(NamedTuple):
    """The generations of one model that ended in the same way at one provider."""

    status: Stage
    """The last stage."""
    cause: Cause | None
    """The cause. None: completed."""
    model: str
    """The model."""
    provider: ProviderName
    """The account."""
    number: int
    """The number of generations."""


@dataclass(frozen=True)
class Claims:
    """The claims of one worker process."""

    worker: str
    """The process. Empty: a claim without a name."""
    count: int
    """The number of generations that it has claimed."""
    oldest_seconds: float
    """The time since the oldest claim."""


# One walk through the unfinished generations, which an index knows.
UNFINISHED: Final = returns(lambda stage, *facts: Unfinished(Stage(stage), *facts))(f"""
    SELECT stage, model, provider, count(*), extract(epoch FROM now() - min(created_at))::float8,
           extract(epoch FROM now() - min(stage_at))::float8, count(*) FILTER (WHERE wake_at <= now() AND {IS_FREE}),
           extract(epoch FROM now() - min(wake_at) FILTER (WHERE wake_at <= now() AND {IS_FREE}))::float8,
           count(*) FILTER (WHERE NOT {IS_FREE}), count(*) FILTER (WHERE failures > 0 OR crashes > 0)
    FROM generations WHERE wake_at IS NOT NULL GROUP BY stage, model, provider
""")  # noqa: S608 -- a constant
"""All unfinished generations."""


def _ended(stage: str, code: str | None, was_accepted: bool, model: str, provider: ProviderName, number: int) -> Ended:
    cause = None
    if stage == Stage.CANCELLED:
        cause = cause_of_cancel(was_accepted=was_accepted)
    elif stage == Stage.FAILED:
        cause = cause_of_failure(ErrorCode(code or ErrorCode.INTERNAL), was_accepted=was_accepted)
    return Ended(Stage(stage), cause, model, provider, number)


ENDED_HOUR: Final = returns(_ended)("""
    SELECT stage, error_code, remote_id IS NOT NULL, model, provider, count(*)
    FROM generations WHERE finished_at > now() - interval '1 h' GROUP BY 1, 2, 3, 4, 5
""")
"""The generations that ended in the last hour. Several rows may have the same cause."""

_CLAIMS = returns(Claims)(f"""
    SELECT coalesce(holder, '') AS worker, count(*) AS count,
           extract(epoch FROM now() - min(claimed_at))::float8 AS oldest_seconds
    FROM generations WHERE wake_at IS NOT NULL AND NOT {IS_FREE} GROUP BY 1 ORDER BY 1
""")  # noqa: S608 -- a constant

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


def claims(sql: Sql) -> list[Claims]:
    """The present claims of each worker process."""
    return sql.all(_CLAIMS)


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
