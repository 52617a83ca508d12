"""The state of the whole system at one moment: what the database knows, the queues in Redis, and the living workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from redis import Redis
from sqlmodel import Session

from cli.top.presence import Worker
from intake.redis.keys import DEAD
from schemas.admission_api import AccountState
from schemas.enums import Queue, Stage
from schemas.settings import Settings
from schemas.watching import View
from storage import generations, overview, routes
from storage.admission_control import Pause, pauses
from storage.admission_state import account_states
from storage.overview import Claims, Ended, EventsOut, Unfinished
from storage.routes import ListedRoute
from storage.sql import of
from storage.watching import lists as watch_lists
from storage.watching.rows import Found
from workers import lists
from workers.roles import Role

_REDIS_SECONDS: Final = 3.0
_RECENT: Final = 8


@dataclass(frozen=True)
class Figures:
    """What the database knows."""

    now: datetime
    """The time of the reading, by the database's clock."""
    unfinished: Sequence[Unfinished]
    """The unfinished generations."""
    ended: Sequence[Ended]
    """The generations that ended in the last hour."""
    counts: Mapping[View, int]
    """The number of generations in each list. A list ends at `storage.watching.rows.MOST`."""
    accounts: Sequence[AccountState]
    """The provider accounts with their limits."""
    routes: Sequence[ListedRoute]
    """The routes that have failed."""
    pauses: Sequence[Pause]
    """The pauses of the operator."""
    claims: Sequence[Claims]
    """The claims of each worker process."""
    events_out: EventsOut
    """How far the events that leave the system are behind."""
    recent: Found
    """The newest generations that ended."""


@dataclass(frozen=True)
class Queues:
    """The queues in Redis."""

    lengths: Mapping[Queue, int]
    """The messages in each queue."""
    dead_requests: int
    """The kept messages that the Redis door could not read."""


@dataclass(frozen=True)
class Situation:
    """The state of the whole system. A part that does not answer is None, or as old as `figures.now` says."""

    figures: Figures | None
    """What the database knows."""
    queues: Queues | None
    """The queues."""
    workers: Mapping[str, Worker] | None
    """The processes that send heartbeats, by the name of the node."""
    missing_roles: Sequence[Role]
    """The roles that the system needs, and whose heartbeats are missing."""
    troubles: Sequence[str]
    """A line for each part that does not answer."""
    took_seconds: float
    """The time that the database took for this reading."""


def read_figures(session: Session, settings: Settings) -> Figures:
    """Read what the database knows.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer, or takes too long.
    """
    sql = of(session)
    unfinished, ended = sql.all(overview.UNFINISHED), sql.all(overview.ENDED_HOUR)
    counts = {view: watch_lists.count(sql, view) for view in (View.STUCK, View.UNKNOWN, View.WEBHOOKS)}
    counts[View.UNFINISHED] = sum(each.number for each in unfinished)
    counts[View.ENDED] = sum(each.number for each in ended)
    counts[View.FAILED] = sum(each.number for each in ended if each.status is Stage.FAILED)
    return Figures(
        now=generations.database_now(session),
        unfinished=unfinished,
        ended=ended,
        counts=counts,
        accounts=account_states(sql),
        routes=routes.listed(sql),
        pauses=pauses(sql),
        claims=overview.claims(sql),
        events_out=overview.events_out(session, has_stream=settings.stream_out.enabled),
        recent=watch_lists.listed(sql, View.ENDED, most=_RECENT),
    )


def read_queues(settings: Settings) -> Queues:
    """Read the lengths of the queues.

    Raises:
        RedisError: Redis does not answer, or does not allow it.
    """
    with Redis.from_url(
        settings.redis_url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS
    ) as redis:
        return Queues(lists.lengths(redis), int(redis.llen(DEAD)))
