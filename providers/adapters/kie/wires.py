"""Selects the Kie wire of a model, by the model's name in the route."""

from collections.abc import Mapping
from typing import Final

from providers.adapters.kie.market import MARKET
from providers.adapters.kie.runway import RUNWAY
from providers.adapters.kie.veo import VEO, VEO_EXTEND
from providers.adapters.kie.wire import Wire
from providers.base import ProviderRequest

# By the part before the first slash. Every other model belongs to the Market.
_WIRES: Final[Mapping[str, Wire]] = {"veo": VEO, "veo-extend": VEO_EXTEND, "runway": RUNWAY}


def wire_of(model: str) -> Wire:
    """The wire of a route's model."""
    return _WIRES.get(model.partition("/")[0], MARKET)


def to_body(request: ProviderRequest) -> dict[str, object]:
    """The body of a create, without the callback's URL.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order.
    """
    return wire_of(request.model).to_body(request)
