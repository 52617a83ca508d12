import pytest

from providers.catalogue import Catalogue
from providers.registry import adapter_names
from schemas.errors import NotFound
from schemas.orders import GenerationRequest
from stack.demo import ALL, plainest_model, requests_through


def test_demo_of_all_vendors_sends_each_one_valid_request() -> None:
    catalogue = Catalogue.load(adapter_names())
    requests = requests_through(ALL).values()
    orders = [catalogue.order(GenerationRequest.model_validate(request)) for request in requests]
    assert [order.routes[0].provider for order in orders] == sorted(adapter_names())


def test_demo_of_one_vendor_sends_one_request() -> None:
    (name,) = requests_through("runway")
    assert name.startswith("runway ")


def test_error_for_an_unknown_vendor_lists_the_known_vendors() -> None:
    with pytest.raises(NotFound, match=r"there is no adapter 'sora': choose all, comfyui, .*kie, "):
        requests_through("sora")


def test_error_names_a_vendor_without_a_suitable_model() -> None:
    with pytest.raises(NotFound, match="no model of the catalogue goes to mygateway first and needs no picture or"):
        plainest_model("mygateway")
