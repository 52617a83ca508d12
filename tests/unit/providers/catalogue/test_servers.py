"""Several servers of one's own: each gets the routes that the catalogue names, and they share the orders."""

from collections import Counter

import pytest
from pydantic import SecretStr

from providers.catalogue import Catalogue
from providers.catalogue.models import WhenLost
from providers.registry import Providers
from schemas.names import twin_of
from schemas.orders import GenerationRequest, Route
from schemas.setting_groups import ProviderSettings, ProvidersSettings

SERVERS = {"local": ["gpu_2", "gpu_3"]}
ACCOUNTS = frozenset({"local", "gpu_2", "gpu_3", "fal"})
PICTURE = "https://media.example/1.png"
TRIES = 600


def catalogue() -> Catalogue:
    return Catalogue.load(ACCOUNTS, servers=SERVERS)


def routes(made: Catalogue, model: str = "ltx-video", **fields: object) -> list[Route]:
    return made.order(GenerationRequest.model_validate({"model": model, "prompt": "a boat", **fields})).routes


def test_every_server_gets_the_routes_of_the_account_of_the_adapters_name() -> None:
    made = catalogue()
    names = {route.provider for route in routes(made)}
    assert names == {"local", "gpu_2", "gpu_3"}
    assert {route.model for route in routes(made)} == {"ltx-video"}


def test_orders_spread_over_the_servers_and_vendors_keep_their_place() -> None:
    made = catalogue()
    orders = [routes(made, "stable-video", image_urls=[PICTURE]) for _ in range(TRIES)]
    assert {order[-1].provider for order in orders} == {"fal"}
    firsts = Counter(order[0].provider for order in orders)
    assert set(firsts) == {"local", "gpu_2", "gpu_3"}
    # One chance in more than a million that a third of the orders is a quarter or less.
    assert min(firsts.values()) > TRIES / 4


def test_a_further_server_serves_without_the_account_of_the_adapters_name() -> None:
    made = Catalogue.load(frozenset({"gpu_2"}), servers={"local": ["gpu_2"]})
    assert [route.provider for route in routes(made)] == ["gpu_2"]


def test_the_rules_of_a_route_hold_for_its_copies() -> None:
    made, copy = catalogue(), Route(provider="gpu_3", model="ltx-video")
    assert made.when_lost("ltx-video", copy) is WhenLost.AGAIN
    assert made.cancel_rule("ltx-video", copy) == made.cancel_rule(
        "ltx-video", Route(provider="local", model="ltx-video")
    )
    assert made.when_lost("ltx-video", Route(provider="gpu_9", model="ltx-video")) is WhenLost.FAIL


def test_test_customers_have_one_twin_of_all_servers() -> None:
    made = Catalogue.load(ACCOUNTS | {twin_of("local")}, servers=SERVERS).for_test_customers
    assert [route.provider for route in routes(made)] == [twin_of("local")]


def account(adapter: str = "", *, webhook_key: str = "") -> ProviderSettings:
    return ProviderSettings(
        adapter=adapter, base_url="http://gpu:8400", api_key=SecretStr("key"), webhook_key=SecretStr(webhook_key)
    )


def test_the_registry_finds_the_servers() -> None:
    accounts = {"local": account(), "gpu_2": account("local"), "other_kie": account("kie"), "named": account("local")}
    providers = Providers(ProvidersSettings(accounts))
    assert providers.servers() == {"local": ["gpu_2", "named"]}
    assert (providers.bills_nothing("gpu_2"), providers.bills_nothing("other_kie")) == (True, False)
    assert (providers.lost_after_seconds("gpu_2"), providers.lost_after_seconds("other_kie")) == (60, None)
    assert not providers.bills_nothing("unknown")


@pytest.mark.parametrize(("webhook_key", "calls_back"), [("", False), ("whsec_c2VjcmV0LXdlYmhvb2sta2V5", True)])
def test_a_server_without_a_webhook_key_is_polled(webhook_key: str, calls_back: bool) -> None:
    providers = Providers(ProvidersSettings({"local": account(webhook_key=webhook_key)}))
    assert providers.calls_back("local") is calls_back
