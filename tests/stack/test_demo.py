import pytest

from providers.catalogue import Catalogue
from providers.registry import adapter_names
from schemas.errors import NotFound
from schemas.orders import GenerationRequest
from stack.demo import ALL, plainest_model, requests_through


def test_every_vendor_is_sent_one_request_that_the_catalogue_takes() -> None:
    catalogue = Catalogue.load(adapter_names())
    requests = requests_through(ALL).values()
    orders = [catalogue.order(GenerationRequest.model_validate(request)) for request in requests]
    assert [order.routes[0].provider for order in orders] == sorted(adapter_names())


def test_one_vendor_is_sent_one_request() -> None:
    (name,) = requests_through("runway")
    assert name.startswith("runway ")


def test_a_vendor_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(NotFound, match=r"there is no adapter 'sora': choose all, fal, .*kie, "):
        requests_through("sora")


def test_a_vendor_without_a_model_to_show_is_named() -> None:
    with pytest.raises(NotFound, match="no model of the catalogue goes to mygateway first and needs no picture or"):
        plainest_model("mygateway")
