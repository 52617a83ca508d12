"""The order of a model's routes by its policy, and the costs of routes beside the price."""

from collections import Counter
from decimal import Decimal

import pytest

from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.models import Model, RoutePolicy
from providers.catalogue.own_prices import with_own_prices
from schemas.enums import Kind
from schemas.errors import CostAbovePrice
from schemas.names import twin_of
from schemas.orders import GenerationRequest, Order
from schemas.setting_groups import PriceSettings

# Kie costs 16 credits a second, Runway 10 cents.
MODEL = "wan-3.0"
REQUEST = GenerationRequest(model=MODEL, prompt="a lighthouse", duration_seconds=5)
ACCOUNTS = frozenset({"kie", "runway"})


def a_catalogue(policy: RoutePolicy, *, weights: dict[str, int] | None = None, **costs: str) -> Catalogue:
    """The shipped catalogue, with another policy and other costs in dollars of one model."""
    file = CatalogueFile.shipped()
    (model,) = (model for model in file.models if model.name == MODEL)
    changed = model.model_copy(
        update={
            "route_policy": policy,
            "routes": [
                route.model_copy(update={"weight": (weights or {}).get(route.provider, 1)}) for route in model.routes
            ],
            "costs": {
                name: cost.model_copy(
                    update={"amount": Decimal(costs[name]), "currency": "USD", "specials": [], "resolution_factors": {}}
                )
                if name in costs
                else cost
                for name, cost in model.costs.items()
            },
        }
    )
    models = [changed if each.name == MODEL else each for each in file.models]
    return Catalogue(file.model_copy(update={"models": models}), ACCOUNTS)


def accounts(order: Order) -> list[str]:
    """The accounts of an order's routes, the preferred one first."""
    return [route.provider for route in order.routes]


@pytest.mark.parametrize("policy", [RoutePolicy.ORDER, RoutePolicy.FASTEST])
def test_listed_order_stays(policy: RoutePolicy) -> None:
    assert accounts(a_catalogue(policy, kie="0.2", runway="0.1").order(REQUEST)) == ["kie", "runway"]


@pytest.mark.parametrize(("kie", "expected"), [("0.2", ["runway", "kie"]), ("0.05", ["kie", "runway"])])
def test_cheapest_route_comes_first(kie: str, expected: list[str]) -> None:
    assert accounts(a_catalogue(RoutePolicy.CHEAPEST, kie=kie, runway="0.1").order(REQUEST)) == expected


def test_weights_are_shares_of_the_orders() -> None:
    catalogue = a_catalogue(RoutePolicy.WEIGHTED, weights={"kie": 1, "runway": 3})
    first = Counter(accounts(catalogue.order(REQUEST))[0] for _ in range(2000))
    assert 1350 < first["runway"] < 1650, "six standard deviations around 1500"
    assert all(len(accounts(catalogue.order(REQUEST))) == 2 for _ in range(20)), "the others stay for failover"


def test_weights_without_their_policy_are_refused() -> None:
    (model,) = (model for model in CatalogueFile.shipped().models if model.name == MODEL)
    document = model.model_dump()
    document["routes"][0]["weight"] = 2
    with pytest.raises(ValueError, match="only routes of the policy 'weighted' have weights"):
        Model.model_validate(document)


def test_shipped_routes_cost_no_more_than_the_price() -> None:
    catalogue = Catalogue.load(ACCOUNTS)
    order = catalogue.order(REQUEST)
    costs = [catalogue.costs.of(order, route) for route in order.routes]
    assert all(cost is not None and cost <= catalogue.costs.highest(order) for cost in costs)
    assert catalogue.costs.highest(order) == order.credits


def test_a_price_below_each_cost_accepts_the_cheapest_route_alone() -> None:
    file = with_own_prices(CatalogueFile.shipped(), PriceSettings(every_video=1))
    catalogue = Catalogue(file, ACCOUNTS)
    order = catalogue.order(REQUEST)
    costs = {route.provider: catalogue.costs.of(order, route) for route in order.routes}
    known = [cost for cost in costs.values() if cost is not None]
    assert order.credits == 1 < min(known)
    assert catalogue.costs.highest(order) == min(known)


def test_an_order_that_costs_more_than_its_price_at_every_route_is_refused() -> None:
    one_is_dear = a_catalogue(RoutePolicy.ORDER, kie="500", runway="0.01")
    assert len(one_is_dear.order(REQUEST).routes) == 2
    all_are_dear = a_catalogue(RoutePolicy.ORDER, kie="500", runway="500")
    with pytest.raises(CostAbovePrice, match="order another model") as refused:
        all_are_dear.order(REQUEST)
    assert (refused.value.http_status, refused.value.code) == (422, "cost_above_price")
    assert MODEL not in [order.model for order in all_are_dear.able(REQUEST, Kind.VIDEO)]


def test_a_twin_costs_as_much_as_its_account() -> None:
    catalogue = Catalogue(CatalogueFile.shipped(), ACCOUNTS | {twin_of(name) for name in ACCOUNTS})
    order = catalogue.order(REQUEST)
    test_order = catalogue.for_test_customers.order(REQUEST)
    assert test_order.routes[0].provider == twin_of("kie")
    assert catalogue.costs.of(test_order, test_order.routes[0]) == catalogue.costs.of(order, order.routes[0])
