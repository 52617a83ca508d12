"""A model as data: its capabilities, price and routes. The files of `makers/` have one entry for each model.

Reading the files fails at an entry that contradicts itself.
"""

from collections.abc import Collection, Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from providers.catalogue.capabilities import Capabilities, Entry, FieldProblem, choice_problem
from providers.catalogue.names import Name, Pattern, fits
from providers.catalogue.prices import Cost, KnownCost, Price, Rate
from schemas.enums import CancelRule, Kind
from schemas.inputs import Facts
from schemas.names import ProviderName
from schemas.orders import GenerationRequest, Inputs, Route
from schemas.variants import VariantKind, VariantSpec

_EXTENSIONS = {"png": "png", "jpeg": "jpg"}
_VIDEO_EXTENSION = "mp4"

# A video of nominally 5 seconds can have some more frames. A vendor refuses even a slightly shorter video.
_LENGTH_TOLERANCE_SECONDS = 0.5
_SHORTAGE_SECONDS = 0.01


class UnknownSubmit(StrEnum):
    """The policy for a create whose outcome is still unknown after the grace period."""

    FAIL = "fail"
    """Fail the generation."""

    RESUBMIT = "resubmit"
    """Send the create again."""


class WhenLost(StrEnum):
    """The policy for work that a server lost. Only work that nobody bills runs again."""

    AGAIN = "again"
    """Run the work again, by another route or the same one."""

    FAIL = "fail"
    """Fail the generation. The hold is released."""


class RoutePolicy(StrEnum):
    """How a model chooses among its routes, as long as no create has left."""

    ORDER = "order"
    """The first listed route that can."""

    CHEAPEST = "cheapest"
    """The route with the least cost of the order. A route without a known cost comes last."""

    FASTEST = "fastest"
    """The route that usually takes the least time. A few orders try routes whose times are not known yet."""

    WEIGHTED = "weighted"
    """By chance. The `weight` of a route is its share of the orders, relative to the others."""


class Quality(StrEnum):
    """How good the results are, beside those of other models of the same kind."""

    DRAFT = "draft"
    """To try an idea."""

    STANDARD = "standard"
    """For everyday use."""

    HIGH = "high"
    """Among the best."""


class Speed(StrEnum):
    """How long a result takes, beside those of other models of the same kind."""

    FAST = "fast"
    """The vendor sells the model as quick."""

    STANDARD = "standard"
    """The usual time."""

    SLOW = "slow"
    """The vendor has a quicker model of the same family."""


class Defaults(Entry):
    """The values of fields that a request omits. None: the model does not take the field."""

    aspect_ratio: str | None = None
    resolution: str | None = None
    duration_seconds: int | None = None
    fps: int | None = None
    output_format: Literal["png", "jpeg"] | None = None
    audio: bool | None = None


class RouteEntry(Entry):
    """A provider account and the vendor's model that serve a model."""

    provider: ProviderName
    """The account."""

    model: str = Field(min_length=1, description="the vendor's name of the model")
    unknown_submit: Annotated[UnknownSubmit, Field(strict=False)] = UnknownSubmit.FAIL
    """The policy for a create whose outcome stays unknown."""

    cancel: Annotated[CancelRule, Field(strict=False)] = CancelRule.IMPOSSIBLE
    """The rule for cancelling work that has begun."""

    when_lost: Annotated[WhenLost, Field(strict=False)] = WhenLost.AGAIN
    """The policy for work that the server lost. A vendor that bills never runs work again, whatever the route says."""

    weight: int = Field(default=1, ge=1, le=1000)
    """The route's share of the orders, relative to the others. For the policy `weighted`."""

    @property
    def route(self) -> Route:
        """The route, as an order contains it."""
        return Route(provider=self.provider, model=self.model)


class Style(Entry):
    """A visual style that customers order by name. Vendors have no such field, so its text goes into the prompt."""

    name: Name
    """The value of `style` in a request."""

    text: str = Field(min_length=1)
    """The text to add to the prompt."""

    def added_to(self, prompt: str) -> str:
        """The prompt with the text of this style."""
        return f"{prompt}\n\nStyle: {self.text}"


class Family(Entry):
    """Names for a group of models of one kind. The first model of the group that can serve a request serves it."""

    patterns: list[Pattern] = Field(
        min_length=1, description="names; with a star behind, versions and tiers may follow the name"
    )
    models: list[Name] = Field(min_length=1)
    """The models, in order of preference."""

    needs_kind: bool = False
    """Whether the names stand for these models only in a request that says its kind."""

    stands_in: bool = False
    """Whether the names also stand for these models where a name is a model that no account here serves."""

    retired_on: date | None = None
    """The day on which the vendor retired the models of these names. Only other vendors or older routes serve them."""

    successor: Name | None = None
    """The model to order where no account here serves the family. For a family with `retired_on`."""

    @model_validator(mode="after")
    def _has_both_or_neither(self) -> Self:
        if (self.retired_on is None) is not (self.successor is None):
            raise ValueError(f"{self.patterns}: a family has `retired_on` and `successor`, or neither")
        return self

    def answers_to(self, name: str, tiers: Collection[str]) -> bool:
        """Whether a name belongs to the family."""
        return any(fits(name, pattern, tiers) for pattern in self.patterns)


class _Named(Entry):
    name: Name
    kind: Annotated[Kind, Field(strict=False)]
    title: str = Field(min_length=1)
    description: str = Field(min_length=1)
    aliases: list[Name] = Field(default=[])


class RetiredModel(_Named):
    """A model that no vendor serves any more."""

    retired_on: date
    """The day of the retirement."""

    successor: Name
    """The model to order instead."""


class Model(_Named):
    """A model that can be ordered, unless it is paused."""

    capabilities: Capabilities
    """The values that a request can contain."""

    defaults: Defaults
    """The values of fields that a request omits."""

    price: Price
    """The price."""

    routes: list[RouteEntry] = Field(min_length=1)
    """The routes, tried in this order unless the policy says otherwise."""

    route_policy: Annotated[RoutePolicy, Field(strict=False)] = RoutePolicy.ORDER
    """How an order chooses among the routes."""

    has_own_price: bool = False
    """Whether the operator set the price in place of the catalogue's. The files never say so."""

    costs: dict[ProviderName, Cost]
    """The vendor's price of each route, by the route's account."""

    maker: str | None = None
    """Who made the model. None: a catalogue that does not say so."""

    good_for: str = Field(pattern=r"^[^\n]{1,100}$", description="the use, as the maker's page has it")
    quality: Annotated[Quality, Field(strict=False)]
    """How good the results are."""

    speed: Annotated[Speed, Field(strict=False)]
    """How long a result takes."""

    deadline_seconds: float | None = Field(
        default=None, gt=0, strict=False, description="time from acceptance to timeout; null: the setting decides"
    )
    variants: list[VariantKind] = Field(
        default=[], strict=False, description="what is made of each result whose request names no variants"
    )
    paused_on: date | None = Field(default=None, description="the first day on which the vendor takes no orders")
    ends_on: date | None = Field(default=None, description="the first day on which the vendor may shut the model down")
    successor: Name | None = Field(
        default=None, description="the model to order during the pause, or after the end of this one"
    )

    def told_to_customers(self) -> str:
        """The description, with the end of the model if the vendor has named one."""
        if self.ends_on is None:
            return self.description
        instead = f"; then order {self.successor}" if self.successor else ""
        return f"{self.description} The vendor may shut it down from {self.ends_on} on{instead}."

    def rates(self) -> list[Rate]:
        """The price and the known costs."""
        return [self.price, *(cost for cost in self.costs.values() if isinstance(cost, KnownCost))]

    def problems(self, request: GenerationRequest, facts: Facts) -> list[FieldProblem]:
        """Every problem of a request to this model."""
        of_kind = request.kind in {None, self.kind}
        wanted = request.variants or []
        reasons = [f"{spec.name}: {why}" for spec in wanted if (why := spec.problem_for(self.kind))]
        return [
            *(FieldProblem(field="variants", message=reason, allowed=[]) for reason in reasons),
            *([] if of_kind else [choice_problem("kind", request.kind, [self.kind])]),
            *self.capabilities.problems(request, facts),
            *self._video_length_problems(request, facts),
        ]

    def _video_length_problems(self, request: GenerationRequest, facts: Facts) -> Iterator[FieldProblem]:
        """The problems of videos that the vendor bills by their length: `duration_seconds` must cover the length."""
        if not self.capabilities.keeps_video_length:
            return
        ordered = request.duration_seconds or self.defaults.duration_seconds or 0
        for video in request.input_files():
            known = facts.get(video.url)
            if known is None or video.kind is not Kind.VIDEO:
                continue
            if known.duration_seconds is None:
                message = "has no length that was measured: upload it again, as an MP4 or MOV file that plays"
                yield FieldProblem(field=video.name, message=message, allowed=[])
            elif known.duration_seconds > ordered + _LENGTH_TOLERANCE_SECONDS:
                most = max(self.capabilities.durations_seconds)
                message = f"has {known.duration_seconds:.1f} s: order as many with duration_seconds, not {ordered}"
                yield FieldProblem(field=video.name, message=message, allowed={"max_seconds": most})
            elif known.duration_seconds < (least := min(self.capabilities.durations_seconds)) - _SHORTAGE_SECONDS:
                message = f"has {known.duration_seconds:.1f} s; the model takes videos of at least {least} s"
                yield FieldProblem(field=video.name, message=message, allowed={"min_seconds": least})

    def inputs(self, request: GenerationRequest) -> Inputs:
        """The request's inputs with the defaults. Call this for a request without problems."""
        can, given, defaults = self.capabilities, request, self.defaults
        return Inputs(
            prompt=given.prompt,
            negative_prompt=given.negative_prompt,
            style=given.style,
            image_urls=given.image_urls,
            video_urls=given.video_urls,
            aspect_ratio=None if can.takes_shape_of(given) else given.aspect_ratio or defaults.aspect_ratio,
            resolution=given.resolution or defaults.resolution,
            duration_seconds=given.duration_seconds or defaults.duration_seconds,
            fps=given.fps or defaults.fps,
            output_format=given.output_format or defaults.output_format,
            audio=defaults.audio if given.generate_audio is None or not can.audio else given.generate_audio,
            seed=given.seed,
            motion=given.motion,
            enhance_prompt=(given.enhance_prompt if can.keeps_prompt else True) if can.enhance_prompt else None,
        )

    def variants_of(self, request: GenerationRequest) -> list[VariantSpec]:
        """The variants of the result. Call this for a request without problems."""
        if request.variants is not None:
            return request.variants
        return [VariantSpec(kind=kind) for kind in self.variants]

    def extension(self, inputs: Inputs) -> str:
        """The extension of the file that the model delivers, without a dot. The vendor may deliver another format."""
        return _VIDEO_EXTENSION if inputs.output_format is None else _EXTENSIONS[inputs.output_format]

    @field_validator("variants")
    @classmethod
    def _usual_variants(cls, kinds: list[VariantKind], info: ValidationInfo) -> list[VariantKind]:
        for kind in kinds:
            why = VariantSpec(kind=kind).problem_for(info.data["kind"])
            if why is not None:
                raise ValueError(why)
        return kinds

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        can, defaults = self.capabilities, self.defaults
        for field, default, choices in (
            ("aspect_ratio", defaults.aspect_ratio, can.aspect_ratios),
            ("resolution", defaults.resolution, can.resolutions),
            ("duration_seconds", defaults.duration_seconds, can.durations_seconds),
            ("fps", defaults.fps, can.frame_rates),
            ("output_format", defaults.output_format, can.output_formats),
            ("audio", defaults.audio, can.audio_choices if can.audio else []),
        ):
            if default not in (choices or [None]):
                raise ValueError(f"{self.name}: the default {field} must be one of {choices}, not {default!r}")
        if can.continues_video and not can.min_videos:
            raise ValueError(f"{self.name}: what goes on from a video needs one")
        if can.extends and not can.continues_video:
            raise ValueError(f"{self.name}: what extends the videos of models continues videos")
        if can.min_images > can.max_images or can.min_videos > can.max_videos:
            raise ValueError(f"{self.name}: min_images and min_videos must not be above max_images and max_videos")
        if not can.audio and not can.silence:
            raise ValueError(f"{self.name}: what makes no sound is silent")
        if not can.enhance_prompt and not can.keeps_prompt:
            raise ValueError(f"{self.name}: what does not rewrite a prompt keeps the prompt")
        if self.paused_on is None and self.ends_on is None and self.successor is not None:
            raise ValueError(
                f"{self.name}: only a model that is paused or ends has a successor; one that is gone is [[retired]]"
            )
        if self.route_policy is not RoutePolicy.WEIGHTED and any(route.weight != 1 for route in self.routes):
            raise ValueError(f"{self.name}: only routes of the policy 'weighted' have weights")
        self._consistent_with_kind()
        self._consistent_costs()
        if self.price.credits == 0:
            raise ValueError(f"{self.name}: credits must be greater than 0: only an operator makes a model free")
        self.check_price()
        return self

    def check_price(self) -> None:
        """Check that the price fits the model.

        Raises:
            ValueError: the price names no resolution of the model, or has the unit of the other kind.
        """
        factors, resolutions = self.price.resolution_factors, self.capabilities.resolutions
        if factors and set(factors) != set(resolutions):
            raise ValueError(f"{self.name}: resolution_factors must name every resolution, or none")
        self._check_resolutions(self.price)
        if (self.kind is Kind.VIDEO) == (self.price.per == "image"):
            raise ValueError(f"{self.name}: a video is priced per video or second, an image per image")

    def _check_resolutions(self, rate: Rate) -> None:
        named = {special.resolution for special in rate.specials} | set(rate.resolution_factors)
        if unknown := named - {None, *self.capabilities.resolutions}:
            raise ValueError(f"{self.name}: a price or cost names {sorted(map(str, unknown))}, no resolution of it")

    def _consistent_costs(self) -> None:
        accounts = {route.provider for route in self.routes}
        if set(self.costs) != accounts:
            raise ValueError(f"{self.name}: costs name the accounts {sorted(accounts)}, not {sorted(self.costs)}")
        for rate in self.rates():
            self._check_resolutions(rate)

    def _consistent_with_kind(self) -> None:
        is_video = self.kind is Kind.VIDEO
        if is_video != bool(self.capabilities.durations_seconds) or is_video == bool(self.capabilities.output_formats):
            raise ValueError(f"{self.name}: a video has durations_seconds, an image has output_formats")
