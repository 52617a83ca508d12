"""Compares the customers' prices with the vendors': a route must never lose money silently."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import TypeVar

from providers.catalogue.models import Model, RouteEntry
from providers.catalogue.previews import starts_from_text
from providers.catalogue.prices import Exchange, KnownCost
from providers.catalogue.reading import CatalogueFile
from schemas.names import ProviderName
from schemas.orders import Inputs

_Choice = TypeVar("_Choice")

OLD_AFTER = timedelta(days=120)
"""The age at which somebody should look at a vendor's price again."""


@dataclass(frozen=True)
class Loss:
    """A setting of a route that costs us more than the customer pays. Amounts are credits."""

    model: str
    """The model."""
    provider: ProviderName
    """The account of the route."""
    vendor_model: str
    """The vendor's name of the model."""
    settings: str
    """The settings, such as `1080p, with sound, 5 s`."""
    price: int
    """The price for the customer."""
    cost: Decimal
    """The cost at the vendor."""


@dataclass(frozen=True)
class Notice:
    """A fact about a model that a person should look at."""

    model: str
    """The model."""
    message: str
    """The reason, as a sentence."""


def losses(catalogue: CatalogueFile) -> list[Loss]:
    """For each route and each group of settings, the order on which we lose most. Empty: no route loses."""
    exchange = catalogue.exchange()
    return [loss for model in catalogue.models for route in model.routes for loss in _losses_of(model, route, exchange)]


def notices(catalogue: CatalogueFile, today: date) -> list[Notice]:
    """What a person should look at on this day."""
    of_models = [Notice(model.name, message) for model in catalogue.models for message in _warnings_of(model, today)]
    return [*of_models, *_gaps_of_previews(catalogue)]


def without_cost(catalogue: CatalogueFile) -> list[Notice]:
    """The routes whose vendor publishes no price: nobody can compare these."""
    return [
        Notice(model.name, f"{account}: {cost.unknown}")
        for model in catalogue.models
        for account, cost in model.costs.items()
        if not isinstance(cost, KnownCost)
    ]


def _losses_of(model: Model, route: RouteEntry, exchange: Exchange) -> Iterable[Loss]:
    cost = model.costs.get(route.provider)
    if not isinstance(cost, KnownCost):
        return []
    worst: dict[tuple[object, ...], Loss] = {}
    for inputs in _orders(model):
        loss = Loss(
            model=model.name,
            provider=route.provider,
            vendor_model=route.model,
            settings=_in_words(inputs),
            price=model.price.of(inputs),
            cost=exchange.credits(cost.of(inputs), cost.currency),
        )
        group = (inputs.resolution, inputs.audio, inputs.aspect_ratio, bool(inputs.video_urls))
        known = worst.get(group)
        if loss.cost > loss.price and (known is None or loss.cost - loss.price > known.cost - known.price):
            worst[group] = loss
    return worst.values()


def _orders(model: Model) -> Iterator[Inputs]:
    """An order for each combination of the settings on which a price or a cost can depend."""
    can = model.capabilities
    # Few prices depend on the aspect ratio. Without those, each shape would repeat all other combinations.
    by_shape = any(special.aspect_ratio for rate in model.rates() for special in rate.specials)
    for resolution, audio, seconds, shape, images, videos in product(
        _or_none(can.resolutions),
        _or_none(can.audio_choices if can.audio else []),
        _or_none(can.durations_seconds),
        _or_none(can.aspect_ratios if by_shape else []),
        range(can.min_images, can.max_images + 1),
        range(can.min_videos, can.max_videos + 1),
    ):
        yield Inputs(
            prompt="",
            resolution=resolution,
            audio=audio,
            duration_seconds=seconds,
            aspect_ratio=shape,
            image_urls=[""] * images,
            video_urls=[""] * videos,
        )


def _or_none(choices: Sequence[_Choice]) -> Sequence[_Choice | None]:
    return choices or [None]


def _in_words(inputs: Inputs) -> str:
    counts = [(len(inputs.image_urls), "picture"), (len(inputs.video_urls), "video")]
    settings = [
        inputs.resolution,
        inputs.aspect_ratio,
        None if inputs.audio is None else "with sound" if inputs.audio else "silent",
        f"{inputs.duration_seconds} s" if inputs.duration_seconds else None,
        *(f"from {count} {what}{'s' if count > 1 else ''}" for count, what in counts if count),
    ]
    return ", ".join(setting for setting in settings if setting) or "any"


def _warnings_of(model: Model, today: date) -> Iterator[str]:
    for account, cost in model.costs.items():
        if today - cost.seen_on > OLD_AFTER:
            yield f"the price of {account} is of {cost.seen_on}: look at the vendor's page again"
    if model.ends_on is not None and model.ends_on <= today:
        yield f"could be shut down since {model.ends_on}: try the model, and retire it if it is gone"
    elif model.ends_on is not None:
        yield f"ends on {model.ends_on}: retire it then"


def _gaps_of_previews(catalogue: CatalogueFile) -> Iterator[Notice]:
    """The models from text for which nobody decided about previews, and the previews that help no customer."""
    previews, models = catalogue.previews, {model.name: model for model in catalogue.models}
    if previews is None:
        return
    painters = [models[name] for name in previews.models]
    shapes = {shape for painter in painters for shape in painter.capabilities.aspect_ratios}
    dearest = max(map(_usual_price, painters))
    for model in filter(starts_from_text, catalogue.models):
        sibling = previews.siblings.get(model.name)
        if sibling is None:
            if model.name not in previews.without:
                yield Notice(model.name, "previews: name its image-to-video sibling, or list the model in `without`")
            continue
        if missing := sorted(set(model.capabilities.aspect_ratios) - shapes):
            yield Notice(model.name, f"previews: no model makes a picture with {' or '.join(missing)}")
        if dearest >= (price := _usual_price(models[sibling])):
            yield Notice(model.name, f"previews: a picture may cost {dearest} credits, and the video costs {price}")


def _usual_price(model: Model) -> int:
    """The price of an order that names no settings."""
    return model.price.of(Inputs(prompt="", **model.defaults.model_dump()))
