"""Several servers of one's own that serve the same models: each is an account with the same adapter.

The catalogue names the account of the adapter's name. Each further account gets the same routes, and orders spread over
the servers by chance.
"""

import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from providers.catalogue.models import Model, RouteEntry
from providers.catalogue.reading import CatalogueFile
from schemas.names import ProviderName
from schemas.orders import Route


class Servers:
    """The accounts at servers of one's own, by their adapter."""

    def __init__(self, accounts: Mapping[ProviderName, Sequence[ProviderName]]) -> None:
        """Makes the servers. `accounts`: the accounts of each adapter besides the one of the adapter's name."""
        self._further = accounts
        self._kinds = {name: kind for kind, names in accounts.items() for name in (kind, *names)}

    def added_to(self, file: CatalogueFile) -> CatalogueFile:
        """The catalogue with the routes to the further servers, each right behind the route that it copies."""
        if not self._further:
            return file
        return file.model_copy(update={"models": [self._with_routes(model) for model in file.models]})

    def spread(self, routes: list[Route]) -> list[Route]:
        """The routes in the given order. Servers of one kind change places by chance."""
        spread = list(routes)
        for kind in {self._kinds[route.provider] for route in routes if route.provider in self._kinds}:
            places = [place for place, route in enumerate(routes) if self._kinds.get(route.provider) == kind]
            for place, route in zip(
                places, random.sample([routes[place] for place in places], len(places)), strict=True
            ):
                spread[place] = route
        return spread

    def _with_routes(self, model: Model) -> Model:
        routes = [route for entry in model.routes for route in (entry, *self._copies(entry))]
        if len(routes) == len(model.routes):
            return model
        further = {name: cost for kind, cost in model.costs.items() for name in self._further.get(kind, ())}
        return model.model_copy(update={"routes": routes, "costs": {**model.costs, **further}})

    def _copies(self, entry: RouteEntry) -> list[RouteEntry]:
        return [entry.model_copy(update={"provider": name}) for name in self._further.get(entry.provider, ())]


ALONE: Mapping[ProviderName, Sequence[ProviderName]] = MappingProxyType({})
"""No adapter has further accounts."""

ONE_EACH = Servers(ALONE)
"""Every adapter has one account at most."""
