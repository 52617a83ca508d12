"""The health of routes, and their circuit breakers, which all processes share.

The functions of `storage/migrations/versions/0022_routes.py` decide.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.admission_settings import AdmissionSettings
from schemas.names import ProviderName
from schemas.orders import Route
from schemas.route_tables import BreakerState
from storage.sql import Sql, returns


@dataclass(frozen=True)
class Reported:
    """The state of a breaker after a report."""

    is_open: bool
    """Whether creates wait."""
    change: BreakerState | None
    """The state that the report brought about. None: the report changed nothing."""


_REPORT = returns(lambda is_open, change: Reported(is_open, change and BreakerState(change)))("""
    SELECT is_open, change FROM route_report(
        %(provider)s::text, %(model)s::text, %(generation)s, %(is_create)s, %(answered)s, %(failed)s, %(reason)s::text,
        %(least_failures)s, %(pause)s::float8, %(longest_pause)s::float8
    )
""")

_ADMITS = returns(bool)("SELECT route_admits(%(provider)s::text, %(model)s::text, %(generation)s)")


def report(
    sql: Sql,
    route: Route,
    generation: UUID,
    settings: AdmissionSettings,
    *,
    is_create: bool,
    answered: int,
    reason: str | None,
) -> Reported:
    """Count calls of a route: the answered ones, and one that failed if there is a reason.

    Args:
        generation: the generation of the newest call. Only its probe closes a breaker.
        reason: the failure, without secrets and prompts.
    """
    return sql.all(
        _REPORT, provider=route.provider, model=route.model, generation=generation, is_create=is_create,
        answered=answered, failed=int(reason is not None), reason=reason, least_failures=settings.breaker_failures,
        pause=settings.breaker_pause_seconds, longest_pause=settings.breaker_longest_pause_seconds,
    )[0]  # fmt: skip


def admits(sql: Sql, route: Route, generation: UUID) -> bool:
    """Whether a generation's create may go to a route now. The first one after a pause becomes the probe."""
    return sql.all(_ADMITS, provider=route.provider, model=route.model, generation=generation)[0]


@dataclass(frozen=True)
class ListedRoute:
    """A route that has failed at least once."""

    provider: ProviderName
    """The account."""
    vendor_model: str
    """The vendor's name of the model."""
    state: BreakerState
    """The state of the breaker."""
    creates: str
    """Of about the last twenty creates of one minute: the failed ones."""
    reads: str
    """Of about the last twenty reads of one minute: the failed ones."""
    open_since: datetime | None
    """Since when the breaker is not closed."""
    retry_at: datetime | None
    """The end of the pause."""
    held: int
    """The generations that wait for the route."""
    reason: str | None
    """The newest failure."""


@dataclass(frozen=True)
class ListedChange:
    """A change of a breaker."""

    at: datetime
    """The time."""
    provider: ProviderName
    """The account."""
    vendor_model: str
    """The vendor's name of the model."""
    state: BreakerState
    """The state from then on."""
    generation_id: UUID | None
    """The generation whose create was the probe."""
    reason: str | None
    """The failure that opened the breaker."""


_LIST = returns(ListedRoute)("""
    SELECT
        provider, vendor_model,
        CASE
            WHEN opened_at IS NULL THEN 'closed' WHEN route_has_probe(route) THEN 'half_open' ELSE 'open'
        END AS state,
        format('%%s of %%s', round(creates_failed), round(creates_failed + creates_answered)) AS creates,
        format('%%s of %%s', round(reads_failed), round(reads_failed + reads_answered)) AS reads,
        opened_at AS open_since, retry_at,
        (SELECT count(*) FROM admissions WHERE place = 'held' AND held_by = 'route'
            AND admissions.provider = route.provider AND admissions.vendor_model = route.vendor_model) AS held,
        reason
    FROM route_health route
    ORDER BY opened_at IS NULL, provider, vendor_model
""")

_CHANGES = returns(ListedChange)("""
    SELECT at, provider, vendor_model, state, generation_id, reason FROM route_changes
    WHERE %(name)s::text IS NULL OR %(name)s::text IN (provider, vendor_model, provider || '/' || vendor_model)
    ORDER BY id DESC LIMIT %(most)s
""")


def listed(sql: Sql) -> list[ListedRoute]:
    """The routes that have failed at least once. Open ones come first."""
    return sql.all(_LIST)


def changes(sql: Sql, *, name: str | None, most: int) -> list[ListedChange]:
    """The newest changes of breakers, newest first.

    Args:
        name: only those of an account, of a vendor's model, or of a route as `account/vendor's model`.
    """
    return sql.all(_CHANGES, name=name, most=most)
