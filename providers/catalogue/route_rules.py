"""The rules of a model's routes: which one is taken, and what follows when a create or its work goes astray."""

from collections.abc import Iterable

from providers.catalogue.models import RouteEntry, RoutePolicy, UnknownSubmit, WhenLost
from providers.catalogue.reading import CatalogueFile
from schemas.enums import CancelRule
from schemas.names import original_of
from schemas.orders import Route


class RouteRules:
    """The rules of the routes of all models, also of those that no account here serves."""

    def __init__(self, file: CatalogueFile) -> None:
        self._by_name = file.models_by_name()

    def unknown_submit(self, model: str, route: Route) -> UnknownSubmit:
        """A route's policy for a create with an unknown outcome; `fail` for a route that is no longer listed."""
        entry = self._entry(model, route)
        return UnknownSubmit.FAIL if entry is None else entry.unknown_submit

    def when_lost(self, model: str, route: Route) -> WhenLost:
        """A route's policy for work that its server lost; `fail` for a route that is no longer listed."""
        entry = self._entry(model, route)
        return WhenLost.FAIL if entry is None else entry.when_lost

    def cancel_rule(self, model: str, route: Route) -> CancelRule:
        """A route's rule for cancelling work that has begun; `impossible` for a route that is no longer listed."""
        entry = self._entry(model, route)
        return CancelRule.IMPOSSIBLE if entry is None else entry.cancel

    def route_policy(self, model: str) -> RoutePolicy:
        """How orders of a model choose among its routes; by the order of the routes for a model that is not listed."""
        listed = self._by_name.get(model)
        return RoutePolicy.ORDER if listed is None else listed.route_policy

    def _entry(self, model: str, route: Route) -> RouteEntry | None:
        listed = self._by_name.get(model)
        entries: Iterable[RouteEntry] = listed.routes if listed else ()
        # The rules of a route hold for its twin, too.
        listed_as = route.model_copy(update={"provider": original_of(route.provider)})
        return next((entry for entry in entries if entry.route == listed_as), None)
