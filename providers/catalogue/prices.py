"""The price of a model for customers, and the cost of a route at its vendor, as data."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Literal

from pydantic import Discriminator, Field, PlainSerializer, StringConstraints, Tag

from providers.catalogue.capabilities import Entry
from schemas.orders import Inputs

# Not strict: 2 and 2.0 are the same amount, but TOML distinguishes them. Decimal: prices are exact. A JSON number.
Amount = Annotated[Decimal, Field(gt=0, strict=False), PlainSerializer(float, when_used="json")]
# A price may be 0, a cost may not.
Credits = Annotated[Decimal, Field(ge=0, strict=False), PlainSerializer(float, when_used="json")]
Source = Annotated[str, StringConstraints(pattern=r"^https://\S+$")]


class Special(Entry):
    """The amount for one unit at some settings, in place of the amount and the factors. Omitted settings: any value."""

    amount: Credits
    """The amount for one unit."""

    resolution: str | None = None
    """The resolution."""

    audio: bool | None = None
    """Whether with sound."""

    duration_seconds: int | None = None
    """The length of the video."""

    aspect_ratio: str | None = None
    """The aspect ratio."""

    input_videos: int | None = None
    """The number of input videos."""

    def settings(self) -> str:
        """The settings in words, such as `720p, with sound`."""
        lengths = [] if self.duration_seconds is None else [f"{self.duration_seconds} s"]
        sounds = [] if self.audio is None else ["with sound" if self.audio else "silent"]
        videos = [] if self.input_videos is None else [f"from {self.input_videos} videos"]
        named = [self.resolution, self.aspect_ratio, *lengths, *sounds, *videos]
        return ", ".join(setting for setting in named if setting is not None)

    def applies_to(self, inputs: Inputs) -> bool:
        """Whether an order has these settings."""
        return all(
            wanted in {None, given}
            for wanted, given in (
                (self.resolution, inputs.resolution),
                (self.audio, bool(inputs.audio)),
                (self.duration_seconds, inputs.duration_seconds),
                (self.aspect_ratio, inputs.aspect_ratio),
                (self.input_videos, len(inputs.video_urls)),
            )
        )


class Rate(Entry):
    """An amount for an image, a video or a second of video, and the changes of this amount by an order's settings."""

    per: Literal["image", "video", "second"]
    """The unit."""

    resolution_factors: dict[str, Amount] = Field(default={})
    """The factor of each resolution."""

    audio_factor: Amount = Decimal(1)
    """The factor of sound."""

    specials: list[Special] = Field(default=[])
    """Amounts for settings that the factors do not fit. The first that applies is taken, without any factor."""

    input_image: Amount | None = None
    """The amount for each input image, beside the other amounts."""

    input_video: Amount | None = None
    """The amount for each input video, beside the other amounts; for each second if the unit is a second."""

    order: Amount | None = None
    """The amount for each order, beside the other amounts, such as for the text of a long prompt."""

    minimum: Amount | None = None
    """The least amount of an order."""

    def amount_of(self, inputs: Inputs, base: Decimal) -> Decimal:
        """The amount of an order, not rounded."""
        special = next((special for special in self.specials if special.applies_to(inputs)), None)
        unit = self._with_factors(inputs, base) if special is None else special.amount
        unit += (self.input_video or 0) * len(inputs.video_urls)
        units = (inputs.duration_seconds or 1) if self.per == "second" else 1
        amount = unit * units + (self.input_image or 0) * len(inputs.image_urls) + (self.order or 0)
        return max(amount, self.minimum or amount)

    def _with_factors(self, inputs: Inputs, amount: Decimal) -> Decimal:
        if inputs.resolution is not None:
            amount *= self.resolution_factors.get(inputs.resolution, Decimal(1))
        return amount * self.audio_factor if inputs.audio else amount


class Price(Rate):
    """The credits that a customer pays, rounded up to whole credits."""

    credits: Credits
    """The credits for one unit. 0: free, beside the other amounts."""

    def of(self, inputs: Inputs) -> int:
        """The price of an order."""
        return int(self.amount_of(inputs, self.credits).to_integral_value(ROUND_CEILING))

    def in_words(self) -> list[str]:
        """The price for people: the amount for a unit, then each change, such as `1080p: 16` and `sound × 2`."""
        of_video = " a second" if self.per == "second" else ""
        beside = {
            "+ {} an image given": self.input_image,
            f"+ {{}}{of_video} a video given": self.input_video,
            "+ {} an order": self.order,
            "{} at least": self.minimum,
        }
        return [
            f"{self.credits} per {self.per}",
            *(f"{name} × {factor}" for name, factor in self.resolution_factors.items() if factor != 1),
            *([f"sound × {self.audio_factor}"] if self.audio_factor != 1 else []),
            *(f"{special.settings()}: {special.amount}" for special in self.specials),
            *(text.format(amount) for text, amount in beside.items() if amount),
        ]


class KnownCost(Rate):
    """The amount that a vendor bills for a route, as the vendor or another public page says."""

    amount: Amount
    """The amount for one unit."""

    currency: str
    """`USD`, or a currency of catalogue.toml."""

    source: Source
    """The page with the amount."""

    seen_on: date
    """The day on which somebody read the page."""

    def of(self, inputs: Inputs) -> Decimal:
        """The cost of an order in the currency."""
        return self.amount_of(inputs, self.amount)


class UnknownCost(Entry):
    """A cost that no vendor publishes."""

    unknown: str = Field(min_length=1)
    """The reason, as a sentence."""

    seen_on: date
    """The day on which somebody looked for the cost."""


Cost = Annotated[
    Annotated[KnownCost, Tag("known")] | Annotated[UnknownCost, Tag("unknown")],
    Discriminator(lambda value: "unknown" if _says_unknown(value) else "known"),
]
"""The cost of a route."""


def _says_unknown(value: object) -> bool:
    return isinstance(value, UnknownCost) or (isinstance(value, dict) and "unknown" in value)


class Currency(Entry):
    """A unit in which a vendor bills."""

    name: str = Field(pattern=r"^[a-z-]+$")
    """The name, as costs give it."""

    dollars: Amount
    """The dollars that one unit costs."""

    source: Source
    """The page with the amount."""

    seen_on: date
    """The day on which somebody read the page."""


DOLLAR = "USD"
"""The currency that catalogue.toml need not describe."""


class Exchange:
    """Turns amounts of any currency into credits."""

    def __init__(self, credit_dollars: Decimal, currencies: Sequence[Currency]) -> None:
        self._credits = {
            DOLLAR: 1 / credit_dollars,
            **{each.name: each.dollars / credit_dollars for each in currencies},
        }

    def knows(self, currency: str) -> bool:
        """Whether amounts of this currency have a worth."""
        return currency in self._credits

    def credits(self, amount: Decimal, currency: str) -> Decimal:
        """The amount in credits, not rounded."""
        return amount * self._credits[currency]
