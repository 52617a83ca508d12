"""The lists of generations that operators watch. Each reads the unfinished generations, or those of the last hour."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from schemas.enums import Stage
from schemas.names import ProviderName
from schemas.watching import View
from schemas.webhooks import DeliveryState
from storage.render_times import Work, render_times
from storage.sql import IS_FREE, Sql, returns
from storage.watching import rows
from storage.watching.rows import MOST, Found

QUIET_SECONDS: Final = 900.0
"""Without progress for so long, a generation is stuck, unless a usual time is known. As in the alert ReelworksStuck."""

_TIMES_USUAL: Final = 2.0
"""A provider that takes so many times the time in which nine of ten are done does not make progress."""

_LEAST_QUIET_SECONDS: Final = 60.0
"""A shorter time is never too long for work at a provider."""


# `now()` instead of `clock_timestamp()`: an index takes only what is constant in a statement.
_QUIET_SINCE = "greatest(stage_at, updated_at)"
_DURATION = """"order" -> 'inputs' ->> 'duration_seconds'"""

_UNFINISHED = returns(UUID)("""
    SELECT id FROM generations
    WHERE wake_at IS NOT NULL AND (%(stage)s::text IS NULL OR stage = %(stage)s)
    ORDER BY created_at, id LIMIT %(most)s
""")


@dataclass(frozen=True)
class _AtProvider:
    """Work of one kind that a provider has had for some time."""

    model: str
    provider: ProviderName
    duration: str | None


_LONG_AT_PROVIDER = returns(_AtProvider)(f"""
    SELECT model, provider, {_DURATION} AS duration FROM generations
    WHERE wake_at IS NOT NULL AND stage = 'generating' AND {_QUIET_SINCE} < now() - make_interval(secs => %(least)s)
    GROUP BY 1, 2, 3
""")  # noqa: S608 -- constants

_STUCK = returns(UUID)(f"""
    SELECT id FROM generations
    LEFT JOIN unnest(%(models)s::text[], %(providers)s::text[], %(durations)s::text[], %(bounds)s::float8[])
        AS usual (its_model, its_provider, its_duration, bound)
        ON stage = 'generating' AND its_model = model AND its_provider = provider
        AND its_duration IS NOT DISTINCT FROM {_DURATION}
    WHERE wake_at IS NOT NULL AND (
        (wake_at < now() - interval '30 s' AND {IS_FREE})
        OR (
            {_QUIET_SINCE} < now() - make_interval(secs => coalesce(bound, %(quiet)s))
            AND (stage <> 'queued' OR failures > 0 OR crashes > 0)
        )
    )
    ORDER BY {_QUIET_SINCE}, id LIMIT %(most)s
""")  # noqa: S608 -- constants

_FAILED = returns(UUID)("""
    SELECT id FROM generations
    WHERE finished_at > now() - interval '1 h' AND stage = 'failed' ORDER BY finished_at DESC LIMIT %(most)s
""")

_UNKNOWN = returns(UUID)(f"""
    SELECT id FROM (
        SELECT id, stage_at AS at FROM generations
        WHERE wake_at IS NOT NULL AND stage = 'submitting' AND submission IS NOT NULL AND remote_id IS NULL
            AND {IS_FREE}
        UNION ALL
        SELECT id, finished_at FROM generations
        WHERE finished_at > now() - interval '1 h' AND error_code = 'submit_outcome_unknown'
    ) AS unknown
    ORDER BY at DESC LIMIT %(most)s
""")  # noqa: S608 -- a constant

_ENDED = returns(UUID)("""
    SELECT id FROM generations WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT %(most)s
""")

_PLAIN: Final = {View.FAILED: _FAILED, View.UNKNOWN: _UNKNOWN, View.ENDED: _ENDED}


@dataclass(frozen=True)
class _Message:
    """A message that does not arrive."""

    generation_id: UUID
    type: str
    state: DeliveryState
    tries: int
    url: str
    is_paused: bool


# The newest message about each generation.
_MESSAGES = returns(_Message)("""
    SELECT generation_id, type, state, tries, url, is_paused FROM (
        SELECT DISTINCT ON (d.generation_id) d.generation_id, d.type, d.state, d.tries, e.url,
               e.paused_at IS NOT NULL AS is_paused, d.created_at
        FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id AND e.deleted_at IS NULL
        WHERE d.generation_id IS NOT NULL AND (
            (d.state = 'pending' AND (e.failing_since IS NOT NULL OR e.paused_at IS NOT NULL))
            OR (d.state IN ('failed', 'dropped') AND d.ended_at > now() - interval '1 h')
        )
        ORDER BY d.generation_id, d.created_at DESC
    ) AS newest
    ORDER BY created_at DESC LIMIT %(most)s
""")


def listed(sql: Sql, view: View, stage: Stage | None = None, *, most: int = MOST) -> Found:
    """The generations of a list.

    Args:
        stage: only those in this stage. For the unfinished ones.
    """
    if view is View.WEBHOOKS:
        remarks = {message.generation_id: _remark(message) for message in sql.all(_MESSAGES, most=most)}
        return Found(rows.read(sql, list(remarks)), remarks)
    return Found(rows.read(sql, _ids(sql, view, stage, most)), {})


def count(sql: Sql, view: View) -> int:
    """The number of generations in a list, at most `MOST`."""
    return len(sql.all(_MESSAGES, most=MOST) if view is View.WEBHOOKS else _ids(sql, view, None, MOST))


def _ids(sql: Sql, view: View, stage: Stage | None, most: int) -> list[UUID]:
    match view:
        case View.UNFINISHED:
            return sql.all(_UNFINISHED, stage=stage, most=most)
        case View.STUCK:
            return _stuck(sql, most)
        case _:
            return sql.all(_PLAIN[view], most=most)


def _stuck(sql: Sql, most: int) -> list[UUID]:
    """The stuck generations. The usual time of each kind of work decides for work at a provider."""
    known = [
        (work, max(_LEAST_QUIET_SECONDS, _TIMES_USUAL * usual.p90_seconds))
        for work in sql.all(_LONG_AT_PROVIDER, least=_LEAST_QUIET_SECONDS)
        if (usual := render_times(sql, _work(work))) is not None
    ]
    return sql.all(
        _STUCK,
        models=[work.model for work, _ in known],
        providers=[work.provider for work, _ in known],
        durations=[work.duration for work, _ in known],
        bounds=[bound for _, bound in known],
        quiet=QUIET_SECONDS,
        most=most,
    )


def _work(found: _AtProvider) -> Work:
    return Work(found.model, found.provider, None if found.duration is None else int(found.duration))


def _remark(message: _Message) -> str:
    """The message without the path of the endpoint, which may hold a secret of the customer."""
    host = urlsplit(message.url).hostname or "the endpoint"
    state = "paused" if message.is_paused else f"{message.state}, {message.tries} tries"
    return f"{message.type} to {host}: {state}"
