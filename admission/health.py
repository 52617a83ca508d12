"""The health of routes, as this process reports and sees it.

The database holds the circuit breakers, which all processes share (`storage.routes`). A failure is one statement. An
answered call costs none while its route is well: answers are counted here, and the next failure takes the count along.
"""

import threading
import time
from uuid import UUID

import structlog

from admission.gate import Gate
from schemas.admission_settings import AdmissionSettings
from schemas.orders import Route
from schemas.provider_errors import (
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRateLimited,
    ProviderUnavailable,
    ProviderWorkAbsent,
)
from schemas.route_tables import BreakerState
from storage import routes
from storage.database import Database
from storage.outages import OUTAGES

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# As the function that counts: about the last twenty calls, and none before a quiet minute.
_MOST_ANSWERS = 20
_ANSWERS_COUNT_SECONDS = 60.0


def is_trouble(error: ProviderError) -> bool:
    """Whether an error is the provider's own trouble.

    Not a rejected request, absent work, a limit of our account, or an account that is refused: the vendor works then.
    """
    return isinstance(error, ProviderUnavailable | ProviderOutcomeUnknown | ProviderBadResponse) and not isinstance(
        error, ProviderRateLimited | ProviderWorkAbsent
    )


class RouteHealth:
    """Reports calls to the breakers of their routes, and asks the breakers. Threads may share it."""

    def __init__(self, database: Database, settings: AdmissionSettings, gate: Gate) -> None:
        self._database = database
        self._settings = settings
        self._gate = gate
        self._lock = threading.Lock()
        self._answers: dict[tuple[Route, bool], tuple[int, float]] = {}

    def answered(self, route: Route, generation: UUID, *, is_create: bool) -> None:
        """The vendor answered a call. Written only if the answer may be that of the probe of an open breaker."""
        if is_create and self.is_open(route):
            self._report(route, generation, is_create=True, answered=1, reason=None)
            return
        with self._lock:
            count, _ = self._answers.get((route, is_create), (0, 0.0))
            self._answers[route, is_create] = min(count + 1, _MOST_ANSWERS), time.monotonic()

    def failed(self, route: Route, generation: UUID, error: ProviderError, *, is_create: bool) -> None:
        """A call ended with an error. An error that is not the provider's trouble is an answer."""
        if not is_trouble(error):
            # Limits of the account say nothing about the route, except that the vendor answers the probe.
            if not isinstance(error, ProviderRateLimited) or self.is_open(route):
                self.answered(route, generation, is_create=is_create)
            return
        if is_create or not self.is_open(route):
            answered = self._taken(route, is_create=is_create)
            self._report(route, generation, is_create=is_create, answered=answered, reason=error.message)

    def is_open(self, route: Route) -> bool:
        """Whether the breaker of a route is open or half-open, as of the last second."""
        return route in self._gate.open_routes()

    def admits(self, route: Route, generation: UUID) -> bool:
        """Whether a generation's create may go to a route now. The first one after a pause becomes the probe.

        Raises:
            sqlalchemy.exc.DBAPIError: the database does not answer.
        """
        if not self.is_open(route):
            return True
        with self._database.statement() as sql:
            return routes.admits(sql, route, generation)

    def _taken(self, route: Route, *, is_create: bool) -> int:
        """The answers since the last report. They are reported now."""
        with self._lock:
            count, counted_at = self._answers.pop((route, is_create), (0, 0.0))
        return count if time.monotonic() - counted_at < _ANSWERS_COUNT_SECONDS else 0

    def _report(self, route: Route, generation: UUID, *, is_create: bool, answered: int, reason: str | None) -> None:
        """Report calls. An outage of the database loses the report: the next one says the same."""
        try:
            with self._database.statement() as sql:
                reported = routes.report(
                    sql, route, generation, self._settings, is_create=is_create, answered=answered, reason=reason
                )
        except OUTAGES as error:
            log.info("route_not_reported", provider=route.provider, error=type(error).__name__)
            return
        if reported.is_open != self.is_open(route):
            self._gate.forget_view()
        told = {"provider": route.provider, "vendor_model": route.model}
        match reported.change:
            case BreakerState.OPEN:
                log.warning("route_opened", reason=reason, **told)
            case BreakerState.CLOSED:
                log.warning("route_closed", **told)
