"""Selects the Kie API of a model, by the model's name in the route."""

from collections.abc import Mapping
from typing import Final

from providers.adapters.kie.market import MARKET
from providers.adapters.kie.runway import RUNWAY
from providers.adapters.kie.veo import VEO, VEO_EXTEND
from providers.adapters.kie.wire import Family
from providers.base import ProviderRequest

# By the part before the first slash. Every other model belongs to the Market.
_FAMILIES: Final[Mapping[str, Family]] = {"veo": VEO, "veo-extend": VEO_EXTEND, "runway": RUNWAY}


def family_of(model: str) -> Family:
    """The family of a route's model."""
    return _FAMILIES.get(model.partition("/")[0], MARKET)


def to_body(request: ProviderRequest) -> dict[str, object]:
    """The body of a create, without the callback's URL.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order.
    """
    return family_of(request.model).to_body(request)
