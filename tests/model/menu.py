"""The catalogue of the model: one entry for each rule that the catalogue can state."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.capabilities import Capabilities
from providers.catalogue.models import Defaults, Model, Quality, RouteEntry, Speed, UnknownSubmit
from providers.catalogue.prices import Price, UnknownCost
from schemas.enums import CancelRule, Kind
from schemas.names import ProviderName

PRICE = 10


PROVIDERS = ("kie", "kling", "replicate", "local", "gpu_2")
"""The accounts of the model. Their vendors are the model's own."""


def _model(
    name: str, cancel: CancelRule, providers: Iterable[ProviderName], unknown_submit: UnknownSubmit = UnknownSubmit.FAIL
) -> Model:
    return Model(
        name=name,
        kind=Kind.IMAGE,
        title=name,
        description=name,
        good_for=name,
        quality=Quality.STANDARD,
        speed=Speed.STANDARD,
        capabilities=Capabilities(prompt_characters=100, aspect_ratios=["1:1"], output_formats=["png"]),
        defaults=Defaults(aspect_ratio="1:1", output_format="png"),
        price=Price(credits=Decimal(PRICE), per="image"),
        routes=[
            RouteEntry(provider=provider, model=f"{name} of {provider}", cancel=cancel, unknown_submit=unknown_submit)
            for provider in providers
        ],
        costs={provider: UnknownCost(unknown="nobody bills", seen_on=date(2026, 11, 28)) for provider in providers},
    )


OWN_SERVERS = ("local", "gpu_2")
"""The accounts at servers of one's own, which bill nothing."""

FREE = _model("free", CancelRule.FREE, ["kie", "kling", "replicate"])
CHARGED = _model("charged", CancelRule.CHARGED, ["kie"])
UNSTOPPABLE = _model("unstoppable", CancelRule.IMPOSSIBLE, ["kling"])
RESENT = _model("resent", CancelRule.FREE, ["kie"], UnknownSubmit.RESUBMIT)

OWN = _model("own", CancelRule.FREE, OWN_SERVERS)

MENU = (FREE, CHARGED, UNSTOPPABLE, RESENT, OWN)


def catalogue() -> Catalogue:
    """The catalogue as the pipeline reads it."""
    return Catalogue(
        CatalogueFile(credit_dollars=Decimal("0.005"), models=list(MENU), retired=[]), frozenset(PROVIDERS)
    )
