"""A model as data: what it takes, what it costs, who serves it. `catalogue.toml` holds one entry for each.

An entry that contradicts itself is refused when the file is read, not when a customer orders.
"""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self, TypedDict

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PositiveInt, model_validator

from schemas.enums import CancelRule, Kind
from schemas.names import ProviderName
from schemas.orders import GenerationRequest, Inputs, Route

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9./-]*$")]
# TOML tells 2 from 2.0; a number of ours does not.
# Exact for prices, and a number in JSON as every other amount is.
Amount = Annotated[Decimal, Field(gt=0, strict=False), PlainSerializer(float, when_used="json")]

_EXTENSIONS = {"png": "png", "jpeg": "jpg"}
_VIDEO_EXTENSION = "mp4"


class UnknownSubmit(StrEnum):
    """What to do with a create whose outcome stays unknown after the grace period."""

    FAIL = "fail"
    RESUBMIT = "resubmit"


class Problem(TypedDict):
    """One thing that a model cannot do, and what it can."""

    field: str
    message: str
    allowed: object


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Capabilities(_Entry):
    """What a request may ask of a model. An empty list: the model does not take that field."""

    prompt_characters: PositiveInt
    uses_prompt: bool = Field(
        default=True, description="false: every request has a prompt, but the model has no use for it"
    )
    min_images: int = Field(default=0, ge=0, description="input images that it needs")
    max_images: int = Field(default=0, ge=0, description="input images that it takes")
    aspect_ratios: list[str] = []
    resolutions: list[str] = []
    durations_seconds: list[PositiveInt] = []
    output_formats: list[Literal["png", "jpeg"]] = []
    audio: bool = Field(default=False, description="whether it can make sound")
    frame_rate: float | None = Field(
        default=None, gt=0, strict=False, description="frames a second that it delivers, where known"
    )


class Defaults(_Entry):
    """What a request that leaves a field out gets."""

    aspect_ratio: str | None = None
    resolution: str | None = None
    duration_seconds: int | None = None
    output_format: Literal["png", "jpeg"] | None = None
    audio: bool | None = None


class Price(_Entry):
    """Credits for an image or for a second of video, times the factors; rounded up to whole credits."""

    credits: Amount
    per: Literal["image", "second"]
    resolution_factors: dict[str, Amount] = {}
    audio_factor: Amount = Decimal(1)

    def of(self, inputs: Inputs) -> int:
        """The price of an order."""
        amount = self.credits
        if self.per == "second":
            amount *= inputs.duration_seconds or 1
        if inputs.resolution is not None:
            amount *= self.resolution_factors.get(inputs.resolution, Decimal(1))
        if inputs.audio:
            amount *= self.audio_factor
        return int(amount.to_integral_value(ROUND_CEILING))


class RouteEntry(_Entry):
    """A vendor's model that serves ours."""

    provider: ProviderName
    model: str = Field(min_length=1, description="the vendor's name of the model")
    unknown_submit: Annotated[UnknownSubmit, Field(strict=False)] = UnknownSubmit.FAIL
    cancel: Annotated[CancelRule, Field(strict=False)] = CancelRule.IMPOSSIBLE

    @property
    def route(self) -> Route:
        """The part of it that an order carries."""
        return Route(provider=self.provider, model=self.model)


class _Named(_Entry):
    name: Name
    kind: Annotated[Kind, Field(strict=False)]
    title: str = Field(min_length=1)
    description: str = Field(min_length=1)
    aliases: list[Name] = []


class RetiredModel(_Named):
    """A model that no vendor serves any more."""

    retired_on: date
    successor: Name


class Model(_Named):
    """A model that can be ordered. Routes are tried in order."""

    capabilities: Capabilities
    defaults: Defaults
    price: Price
    routes: list[RouteEntry] = Field(min_length=1)
    deadline_seconds: float | None = Field(
        default=None, gt=0, strict=False, description="from acceptance to timeout, if not the usual"
    )

    def problems(self, request: GenerationRequest) -> list[Problem]:
        """Everything that is wrong with a request to this model."""
        can = self.capabilities
        return [
            *self._prompt_problems(request.prompt),
            *self._image_problems(len(request.image_urls)),
            *_choice_problems("aspect_ratio", request.aspect_ratio, can.aspect_ratios),
            *_choice_problems("resolution", request.resolution, can.resolutions),
            *_choice_problems("duration_seconds", request.duration_seconds, can.durations_seconds),
            *_choice_problems("output_format", request.output_format, can.output_formats),
            *_choice_problems("audio", request.audio, [False, True] if can.audio else [False]),
        ]

    def _prompt_problems(self, prompt: str) -> list[Problem]:
        limit = self.capabilities.prompt_characters
        if len(prompt) <= limit:
            return []
        message = f"has {len(prompt)} characters; at most {limit} are allowed"
        return [Problem(field="prompt", message=message, allowed={"max_characters": limit})]

    def _image_problems(self, count: int) -> list[Problem]:
        least, most = self.capabilities.min_images, self.capabilities.max_images
        if least <= count <= most:
            return []
        message = _image_message(count, least, most)
        return [Problem(field="image_urls", message=message, allowed={"min": least, "max": most})]

    def inputs(self, request: GenerationRequest) -> Inputs:
        """The request with the defaults filled in."""
        given, defaults = request, self.defaults
        return Inputs(
            prompt=given.prompt,
            image_urls=[str(url) for url in given.image_urls],
            aspect_ratio=given.aspect_ratio or defaults.aspect_ratio,
            resolution=given.resolution or defaults.resolution,
            duration_seconds=given.duration_seconds or defaults.duration_seconds,
            output_format=given.output_format or defaults.output_format,
            audio=defaults.audio if given.audio is None or not self.capabilities.audio else given.audio,
        )

    def extension(self, inputs: Inputs) -> str:
        """Of the stored file, without a dot."""
        return _VIDEO_EXTENSION if inputs.output_format is None else _EXTENSIONS[inputs.output_format]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        can, defaults = self.capabilities, self.defaults
        for field, default, choices in (
            ("aspect_ratio", defaults.aspect_ratio, can.aspect_ratios),
            ("resolution", defaults.resolution, can.resolutions),
            ("duration_seconds", defaults.duration_seconds, can.durations_seconds),
            ("output_format", defaults.output_format, can.output_formats),
            ("audio", defaults.audio, [False, True] if can.audio else []),
        ):
            if default not in (choices or [None]):
                raise ValueError(f"{self.name}: the default {field} must be one of {choices}, not {default!r}")
        if can.min_images > can.max_images:
            raise ValueError(f"{self.name}: min_images must not be above max_images")
        if self.price.resolution_factors and set(self.price.resolution_factors) != set(can.resolutions):
            raise ValueError(f"{self.name}: resolution_factors must name every resolution, or none")
        self._consistent_with_kind()
        return self

    def _consistent_with_kind(self) -> None:
        is_video = self.kind is Kind.VIDEO
        if is_video != bool(self.capabilities.durations_seconds) or is_video == bool(self.capabilities.output_formats):
            raise ValueError(f"{self.name}: a video has durations_seconds, an image has output_formats")
        if is_video != (self.price.per == "second"):
            raise ValueError(f"{self.name}: a video is priced per second, an image per image")


def _choice_problems(field: str, value: object, choices: Sequence[object]) -> list[Problem]:
    if value is None or value in choices:
        return []
    if not choices:
        return [Problem(field=field, message="is not taken by this model; leave it out", allowed=[])]
    wanted = " or ".join(_shown(choice) for choice in choices)
    return [Problem(field=field, message=f"must be {wanted}, not {_shown(value)}", allowed=list(choices))]


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _image_message(count: int, least: int, most: int) -> str:
    if most == 0:
        return "is not taken by this model; leave it out"
    if least == most:
        return f"has {count} URLs; exactly {most} {'is' if most == 1 else 'are'} needed"
    return f"has {count} URLs; {f'{least} to' if least else 'at most'} {most} are allowed"
