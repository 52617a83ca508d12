"""The callback URL that a create carries."""

from dataclasses import dataclass, replace

import pytest

from providers.base import AcceptedCreate, ProviderRequest
from providers.registry import Providers
from schemas.callback_token import callback_url, node_callback_url
from schemas.enums import Door, Kind, Stage
from schemas.setting_groups import ProvidersSettings
from tasks.send import send
from tests.unit.tasks.conftest import Vendor, a_claim, a_lease, services_with


@dataclass
class Listening(Vendor):
    """A vendor that keeps the URL of the last create."""

    url: str | None = None

    def submit(self, request: ProviderRequest, *, callback_url: str | None, **rest: object) -> AcceptedCreate:
        self.url = callback_url
        return AcceptedCreate("remote-1")


class _OfNodes(Providers):
    """The registry of a process with one vendor, which may report on nodes."""

    def __init__(self, vendor: Vendor, *, calls_back: bool, by_node: bool) -> None:
        super().__init__(ProvidersSettings())
        self._vendor, self._calls_back, self._by_node = vendor, calls_back, by_node

    def get(self, name: str) -> Vendor:  # type: ignore[override]
        return self._vendor

    def calls_back(self, name: str) -> bool:
        return self._calls_back

    def calls_back_by_node(self, name: str) -> bool:
        return self._by_node

    def create_seconds(self, name: str) -> float:
        return 60.0

    def poll_seconds(self, name: str) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("reference", "calls_back", "by_node", "doors_off", "expected"),
    [
        ("k123", True, True, [], "node"),
        (None, True, True, [], "generation"),
        ("k123", True, False, [], "generation"),
        ("k123", True, True, [Door.SEEDS], "generation"),
        ("k123", False, True, [], None),
    ],
    ids=["a node", "no reference", "a vendor without nodes", "the door is off", "no callbacks"],
)
def test_the_url_names_the_node_where_the_vendor_reports_on_nodes(
    reference: str | None, calls_back: bool, by_node: bool, doors_off: list[Door], expected: str | None
) -> None:
    vendor, claim = Listening(), a_claim(Stage.SUBMITTING)
    services = services_with(vendor)
    settings = services.settings.model_copy(update={"doors_off": doors_off})
    providers = _OfNodes(vendor, calls_back=calls_back, by_node=by_node)
    order = claim.order.model_copy(update={"reference": reference, "kind": Kind.IMAGE})
    claim = replace(claim, generation=replace(claim.generation, order=order.model_dump(mode="json")))

    send(
        replace(services, settings=settings, providers=providers),
        claim,
        a_lease(),
        ProviderRequest(claim.route.model, claim.order.inputs),
    )

    address, secret = settings.public_url, settings.secret_key.get_secret_value()
    provider = claim.route.provider
    urls = {
        None: None,
        "generation": callback_url(address, secret, provider, claim.id),
        "node": node_callback_url(address, secret, provider, claim.id, kind=Kind.IMAGE, reference="k123"),
    }
    assert vendor.url == urls[expected]
