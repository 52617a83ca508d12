"""The cost of an order at each of its routes, in credits, beside the order's price."""

from decimal import Decimal

from providers.catalogue.models import Model
from providers.catalogue.prices import KnownCost
from providers.catalogue.reading import CatalogueFile
from schemas.names import ProviderName, original_of
from schemas.orders import Inputs, Order, Route


class Costs:
    """Compares what orders cost us with their prices. A twin costs as much as its account."""

    def __init__(self, file: CatalogueFile) -> None:
        self._models = {model.name: model for model in file.models}
        self._exchange = file.exchange()

    def of(self, order: Order, route: Route) -> Decimal | None:
        """The credits that an order costs us at a route. None: the catalogue does not know."""
        model = self._models.get(order.model)
        return None if model is None else self.at(model, route.provider, order.inputs)

    def at(self, model: Model, provider: ProviderName, inputs: Inputs) -> Decimal | None:
        """The credits that inputs cost us at an account. None: the catalogue does not know."""
        cost = model.costs.get(original_of(provider))
        return self._exchange.credits(cost.of(inputs), cost.currency) if isinstance(cost, KnownCost) else None

    def above_price(self, order: Order, route: Route) -> Decimal | None:
        """The credits that an order costs us at a route, if they are too many. None: the order may take the route."""
        cost = self.of(order, route)
        return None if cost is None or cost <= self.highest(order) else cost

    def highest(self, order: Order) -> Decimal:
        """The credits that a route of an order may cost us: the price.

        An operator who sells a model below its cost accepts the cost of the cheapest route, and no more.
        """
        price, model = Decimal(order.credits), self._models.get(order.model)
        if model is None or not model.has_own_price:
            return price
        costs = [cost for route in order.routes if (cost := self.of(order, route)) is not None]
        return max(price, min(costs, default=price))
