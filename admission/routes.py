"""Chooses the route of a queued generation, before its create is prepared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import structlog

from admission.gate import Gate
from admission.health import RouteHealth
from providers.catalogue import Catalogue
from providers.catalogue.models import RoutePolicy
from schemas.orders import Order, Route
from storage import routes
from storage.claims import Claim
from storage.database import Database
from storage.outages import OUTAGES

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# One order in so many tries a route whose times are not known yet.
_EXPLORES = 20


class Why(StrEnum):
    """Why a generation leaves the route that it had."""

    OPEN = "route_open"
    """The circuit breaker of the route is open."""
    SPENT = "account_spent"
    """The account is out of money, or of generations of the day."""
    TOO_DEAR = "cost_above_price"
    """The route costs more than the price of the order."""
    FASTER = "faster_route"
    """The model prefers the fastest route."""


@dataclass(frozen=True)
class TooDear:
    """A route that costs more than the price of the order."""

    route: Route
    """The route."""
    cost: float
    """The credits that the order would cost us."""


@dataclass(frozen=True)
class Choice:
    """The route that a generation takes."""

    index: int
    """The index among the order's routes."""
    why: Why | None = None
    """Why another route than the present one. None: the present one."""
    too_dear: Sequence[TooDear] = ()
    """Preferred routes that were skipped."""


class Routes:
    """Chooses routes. Threads may share it."""

    def __init__(self, database: Database, gate: Gate, health: RouteHealth, catalogue: Catalogue) -> None:
        self._database = database
        self._gate = gate
        self._health = health
        self._catalogue = catalogue

    def choose(self, claim: Claim, usual_seconds: Callable[[Route], float | None]) -> Choice | None:
        """The route for a generation. None: every route that is left costs more than the price.

        The present route stays unless it is open, spent or too dear. While every route is well, this needs no
        statement. If no route takes the generation now, the generation waits for the first that may serve.

        Args:
            usual_seconds: the usual time at a route. None: not known.
        """
        present, order = claim.generation.route_index, claim.order
        able: list[int] = []
        too_dear: list[TooDear] = []
        for index in self._preferred(claim, usual_seconds):
            if (dear := self._too_dear(order, order.routes[index])) is not None:
                too_dear.append(dear)
                continue
            able.append(index)
            if self._takes(claim, index):
                return Choice(index, None if index == present else self._why(claim, too_dear), too_dear)
        if not able:
            return None
        return Choice(present, None, too_dear) if present in able else Choice(able[0], Why.TOO_DEAR, too_dear)

    def wake_those_with_another_route(self) -> None:
        """Wake generations that wait for an open route, so far as other routes can take them."""
        if not self._gate.has_routes_away():
            return
        try:
            with self._database.statement() as sql:
                routes.wake_those_with_another_route(sql)
        except OUTAGES as error:
            log.info("routes_not_changed", error=type(error).__name__)

    def _preferred(self, claim: Claim, usual_seconds: Callable[[Route], float | None]) -> Sequence[int]:
        """The routes that this generation may take, the preferred ones first."""
        row, order = claim.generation, claim.order
        left = [index for index in range(len(order.routes)) if not row.routes_given_up >> index & 1]
        is_first_look = row.attempt == 1
        if len(left) > 1 and is_first_look and self._catalogue.route_policy(order.model) is RoutePolicy.FASTEST:
            return _by_time(left, [usual_seconds(route) for route in order.routes], explores=explores(claim.id))
        return sorted(left, key=lambda index: index != row.route_index)

    def _takes(self, claim: Claim, index: int) -> bool:
        """Whether a route takes the generation now, or lets it wait in a short queue."""
        route = claim.order.routes[index]
        if self._gate.is_shut(route.provider):
            return False
        if index != claim.generation.route_index and not self._has_short_queue(claim, route):
            return False
        # The last question: the answer may make the generation the probe of the route.
        return self._health.admits(route, claim.id)

    def _has_short_queue(self, claim: Claim, route: Route) -> bool:
        """Whether few generations of the customer wait for the account.

        The others wait where they are, and leave when a route has room or works again. So work does not pile up at a
        small account while its own account works again.
        """
        if not self._gate.needs_place(route):
            return True
        with self._database.statement() as sql:
            return routes.has_short_queue(sql, claim.generation.customer_id, route.provider)

    def _too_dear(self, order: Order, route: Route) -> TooDear | None:
        cost = self._catalogue.costs.above_price(order, route)
        if cost is None:
            return None
        log.warning(
            "route_too_dear", model=order.model, provider=route.provider, vendor_model=route.model,
            cost=round(float(cost), 2), price=order.credits,
        )  # fmt: skip
        return TooDear(route, round(float(cost), 2))

    def _why(self, claim: Claim, too_dear: Sequence[TooDear]) -> Why:
        """Why a generation leaves its present route."""
        if any(dear.route == claim.route for dear in too_dear):
            return Why.TOO_DEAR
        if self._gate.is_shut(claim.route.provider):
            return Why.SPENT
        return Why.OPEN if self._health.is_open(claim.route) else Why.FASTER


def explores(generation: UUID) -> bool:
    """Whether a generation is one of those that try routes without known times."""
    return generation.int % _EXPLORES == 0


def _by_time(indexes: Sequence[int], seconds: Sequence[float | None], *, explores: bool) -> list[int]:
    """Routes by their usual time. Those without a known time come last, or first for a generation that explores."""
    unknown = -1.0 if explores else float("inf")

    def time_of(index: int) -> float:
        known = seconds[index]
        return unknown if known is None else known

    return sorted(indexes, key=time_of)
