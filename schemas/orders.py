"""A customer's request, and the order that the catalogue makes of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from schemas.enums import Kind
from schemas.inputs import InputField, InputUrl, input_fields
from schemas.limits import Priority, PriorityWord
from schemas.moments import OptionalMoment
from schemas.names import ProviderName
from schemas.text import Name, OptionalName, OptionalProse, Prose
from schemas.variants import MOST, VariantSpec, VariantWord, repeated_name
from schemas.webhook_urls import EndpointUrl
from schemas.words import ASPECT_RATIOS, LENGTHS, MOTIONS, OUTPUT_FORMATS, SHAPES, STYLES, listed, meaning

LONGEST_DEADLINE_SECONDS = 86_400

LONGEST_START_SECONDS = 7 * 86_400

# Every database and JSON reader of a vendor holds a number up to here.
LARGEST_SEED = 2**63 - 1

# A hundred years. A larger number is a mistake.
_LONGEST_LIFE_SECONDS = 36_500 * 86_400

LONGEST_REFERENCE = 200

LONGEST_METADATA_KEY = 64
LONGEST_METADATA_VALUE = 512


def _visible_ascii(key: str) -> str:
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError("must be visible ASCII characters without spaces, for example a UUID")
    return key


IdempotencyKey = Annotated[
    str,
    Field(min_length=1, max_length=255, json_schema_extra={"pattern": r"^[\x21-\x7e]+$"}),
    AfterValidator(_visible_ascii),
]
"""A customer's name for an order: visible ASCII characters, no spaces."""

Reference = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_REFERENCE, json_schema_extra={"pattern": r"^[\x21-\x7e]+$"}),
    AfterValidator(_visible_ascii),
]
"""A customer's id of the thing that an order is for: visible ASCII characters, no spaces."""


def _no_switch(value: object) -> object:
    # Python counts `true` as 1.
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")  # noqa: TRY004 -- pydantic takes a ValueError
    return value


WholeNumber = Annotated[int, BeforeValidator(_no_switch)]
OptionalWholeNumber = Annotated[int | None, BeforeValidator(_no_switch)]
OptionalNumber = Annotated[float | None, BeforeValidator(_no_switch)]


class TurnFields(BaseModel):
    """The fields of an order that decide when it starts."""

    priority: PriorityWord = Field(
        default="normal",
        description="which of your own orders go first where a provider is busy; shares between customers stay as they "
        "are. `low` takes what others leave, and waits an hour at most for that. `high` may also use what the operator "
        "reserves, if the key has the scope `priority`",
    )
    not_before: OptionalMoment = Field(
        default=None,
        description="the earliest start, at most 30 days ahead, such as 2026-11-20T12:00:00Z. The credits are held "
        "from now on. A time in the past has no effect",
    )
    start_within: OptionalWholeNumber = Field(
        default=None,
        description="the most seconds until the provider gets it, from acceptance or from `not_before`; later it fails "
        "with `not_started`, and the credits come back",
        ge=1,
        le=LONGEST_START_SECONDS,
    )


class GenerationRequest(TurnFields):
    """A request for one image or video. Omitted settings take the model's defaults."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        validate_by_name=True,
        json_schema_extra={
            "examples": [
                {"model": "nano-banana", "prompt": "a lighthouse in fog", "aspect_ratio": "16:9"},
                {
                    "model": "kling-2.6-text-to-video",
                    "prompt": "a paper boat on a rainy street",
                    "duration_seconds": 5,
                    "aspect_ratio": "9:16",
                    "generate_audio": False,
                },
            ]
        },
    )

    model: OptionalName = Field(
        default=None,
        description="a name or an alias from GET /v1/models, or a family's name; left out: the first of the `kind` "
        "that can do the rest",
        min_length=1,
        max_length=200,
    )
    kind: Kind | None = Field(default=None, description="what to make; needed where no model is named")
    allow_substitution: bool = Field(
        default=False, description="whether a retired or paused model's successor may serve instead of an error"
    )
    prompt: Prose = Field(description="what to make", min_length=1, max_length=20_000)
    negative_prompt: OptionalProse = Field(
        default=None, description="what to keep out", min_length=1, max_length=20_000
    )
    style: Annotated[OptionalName, meaning(STYLES)] = Field(
        default=None,
        description="a look, from GET /v1/models; its text is added to the prompt. Also " + listed(STYLES),
        max_length=200,
    )
    image_urls: list[InputUrl] = Field(
        default=[],
        description="input images, where the model takes them: http or https URLs, `upload:ID`, `generation:ID` or "
        "`data:` URIs",
        max_length=14,
    )
    video_urls: list[InputUrl] = Field(
        default=[], description="input videos, where the model takes them: as images", max_length=4
    )
    aspect_ratio: Annotated[OptionalName, meaning(ASPECT_RATIOS)] = Field(
        default=None,
        description='width:height, e.g. "16:9"; also ' + listed(ASPECT_RATIOS) + ". `image_size` is the same field",
        max_length=20,
        validation_alias=AliasChoices("aspect_ratio", *SHAPES),
    )
    resolution: OptionalName = Field(default=None, description='e.g. "1K" or "720p"', max_length=20)
    duration_seconds: OptionalWholeNumber = Field(
        default=None,
        description="length of a video in seconds. `nFrames` and `n_frames` are the same field",
        gt=0,
        le=600,
        validation_alias=AliasChoices("duration_seconds", *LENGTHS),
    )
    fps: OptionalWholeNumber = Field(default=None, description="frames a second of a video", gt=0, le=240)
    motion: Annotated[OptionalNumber, meaning(MOTIONS)] = Field(
        default=None, description="how much is to move, 0 little to 1 much; also " + listed(MOTIONS), ge=0, le=1
    )
    seed: OptionalWholeNumber = Field(
        default=None, description="the same seed and request may give a similar result", ge=0, le=LARGEST_SEED
    )
    generate_audio: bool | None = Field(
        default=None, description="whether a video has sound", validation_alias=AliasChoices("generate_audio", "audio")
    )
    enhance_prompt: bool | None = Field(default=None, description="whether the model may rewrite the prompt first")
    output_format: Annotated[OptionalName, meaning(OUTPUT_FORMATS)] = Field(
        default=None, description='image file format, e.g. "png"; also ' + listed(OUTPUT_FORMATS), max_length=20
    )
    number_of_outputs: WholeNumber = Field(
        default=1,
        description="above 1: a batch of so many generations, each with its own price and end; with a `seed`, each has "
        "the next seed",
        ge=1,
        le=10,
    )
    preview: bool = Field(
        default=False,
        description="first make a cheap picture of the video's first frame; POST /v1/generations/{id}/continue then "
        "makes the video from the picture",
    )
    deadline_seconds: OptionalWholeNumber = Field(
        default=None,
        description="seconds to timeout, from acceptance or from `not_before`; the credits come back. Left out: time "
        "in which a provider is too busy for the order does not count",
        ge=10,
        le=LONGEST_DEADLINE_SECONDS,
    )
    expires_in: OptionalWholeNumber = Field(
        default=None,
        description="seconds from the end until the result's files are deleted; at most the operator's limit",
        ge=60,
        le=_LONGEST_LIFE_SECONDS,
    )
    variants: list[VariantWord] | None = Field(
        default=None,
        description="further files that are made of the result after its end, at no cost: kinds alone, or objects. "
        "Left out: those of the model; []: none",
        max_length=MOST,
    )
    reference: Reference | None = Field(
        default=None,
        description="your id of the thing that the result is for, such as a node of a canvas; returned as it is. "
        "Several orders may have the same one",
    )
    metadata: dict[Name, Prose] = Field(default={}, description="returned as it is; up to 16 entries", max_length=16)
    callback_url: EndpointUrl | None = Field(
        default=None,
        description="where a signed message goes when the generation ends; https. Use one URL for many orders: each "
        "message has the `reference` and the `metadata`",
    )

    def input_files(self) -> list[InputField]:
        """Every input picture and video."""
        return list(input_fields(self.image_urls, self.video_urls))

    def with_urls(self, urls: Mapping[str, str]) -> Self:
        """The same with some URLs replaced."""
        return self.model_copy(update=_replaced(self.image_urls, self.video_urls, urls))

    @field_validator("prompt", "negative_prompt")
    @classmethod
    def _not_blank(cls, prompt: str | None) -> str | None:
        if prompt is not None and not prompt.strip():
            raise ValueError("must not be blank")
        return prompt

    @field_validator("preview")
    @classmethod
    def _without_inputs(cls, preview: bool, info: ValidationInfo) -> bool:
        if preview and (info.data.get("image_urls") or info.data.get("video_urls")):
            raise ValueError("makes the first picture: leave out image_urls and video_urls")
        return preview

    @field_validator("variants")
    @classmethod
    def _named_apart(cls, variants: list[VariantSpec] | None) -> list[VariantSpec] | None:
        if (name := repeated_name(variants or [])) is not None:
            raise ValueError(f"two variants have the name {name!r}: give each a name of its own")
        return variants

    @field_validator("metadata")
    @classmethod
    def _short_entries(cls, metadata: dict[str, str]) -> dict[str, str]:
        for key, value in metadata.items():
            if len(key) > LONGEST_METADATA_KEY or len(value) > LONGEST_METADATA_VALUE:
                raise ValueError(
                    f"keys may have up to {LONGEST_METADATA_KEY} characters and values up to {LONGEST_METADATA_VALUE}"
                )
        return metadata


class Inputs(BaseModel):
    """The complete settings of an order, with all defaults. They are the same for each of the model's routes."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    prompt: str = Field(description="with the text of the style")
    negative_prompt: str | None = None
    """The negative prompt."""
    style: str | None = None
    """The style's name."""
    image_urls: list[str] = []
    """The input images."""
    video_urls: list[str] = []
    """The input videos."""
    aspect_ratio: str | None = None
    """Width to height."""
    resolution: str | None = None
    """The resolution."""
    duration_seconds: int | None = None
    """The length of a video."""
    fps: int | None = None
    """Frames a second of a video."""
    motion: float | None = None
    """The amount of motion, 0 to 1."""
    seed: int | None = None
    """The seed."""
    audio: bool | None = None
    """Whether a video has sound."""
    enhance_prompt: bool | None = None
    """Whether the model may rewrite the prompt."""
    output_format: str | None = None
    """The image's file format."""

    def texts(self) -> tuple[str, ...]:
        """The customer's texts and links. Vendors repeat them in errors, and no message may quote them."""
        return (self.prompt, self.negative_prompt or "", *self.image_urls, *self.video_urls)

    def input_files(self) -> list[InputField]:
        """Every input picture and video."""
        return list(input_fields(self.image_urls, self.video_urls))

    def with_urls(self, urls: Mapping[str, str]) -> Self:
        """The same with some URLs replaced."""
        return self.model_copy(update=_replaced(self.image_urls, self.video_urls, urls))


class Route(BaseModel):
    """A provider account and its model that serve one of our models."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    provider: ProviderName
    """The provider account."""
    model: str = Field(description="the vendor's name of the model")


class PlannedVideo(BaseModel):
    """The video that a preview shows the first frame of."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    model: str
    """The model that makes the video from the picture."""
    text_to_video: str
    """The model that the preview was ordered with."""
    inputs: Inputs
    """The complete settings, without the picture."""
    credits: int = Field(ge=0, description="the price when the preview was ordered")
    variants: list[VariantSpec] = []
    """The variants of the video."""


class Order(BaseModel):
    """A request that the catalogue accepted: complete and priced."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    kind: Kind
    """Image or video."""
    model: str
    """Our name of the model."""
    requested_model: str | None = Field(
        default=None, description="the name in the request; null: the request named none"
    )
    routes: list[Route] = Field(min_length=1)
    """The routes, in the order of attempts."""
    inputs: Inputs
    """The complete settings."""
    credits: int = Field(ge=0, description="the price, held until the generation ends; 0: free")
    file_extension: str = Field(description="of the file that the model delivers, without a dot")
    deadline_seconds: float | None = Field(default=None, description="asked for by the request or set by the model")
    counts_from_acceptance: bool = Field(
        default=False, description="the request asked for the deadline: waiting for a place uses it up, too"
    )
    priority: Priority = Priority.NORMAL
    """The priority among the customer's own work."""
    may_use_reserve: bool = Field(default=False, description="the key has the scope for the reserve of an account")
    flow: str | None = Field(default=None, description="the API key or the batch: a customer's work takes turns by it")
    key_id: UUID | None = Field(
        default=None, description="the API key, whose limits hold; null: an order without a key"
    )
    not_before: datetime | None = Field(default=None, description="the scheduled start")
    start_within: float | None = Field(default=None, description="seconds to the latest start")
    expires_in: int | None = Field(default=None, description="seconds from the end until the files are deleted")
    reference: str | None = None
    """The customer's id of the thing that the order is for."""
    metadata: dict[str, str] = {}
    """The request's metadata."""
    variants: list[VariantSpec] = Field(default=[], description="what is made of the result after its end")
    callback_url: str | None = None
    """Where messages about the generation go."""
    batch_id: UUID | None = None
    """The batch that the order belongs to."""
    retry_of: UUID | None = None
    """The generation that the order repeats."""
    preview_of: PlannedVideo | None = None
    """The video of a preview. None: the order is no preview."""
    continuation_of: UUID | None = None
    """The preview that the order makes the video of."""

    def texts(self) -> tuple[str, ...]:
        """All texts and links of the customer. No log line may quote them."""
        planned = self.preview_of.inputs.texts() if self.preview_of else ()
        return (*self.inputs.texts(), *planned, self.reference or "", *self.metadata.values(), self.callback_url or "")

    def start_by(self, accepted_at: datetime) -> datetime | None:
        """The latest start of a generation that was accepted at this time. None: there is none."""
        if self.start_within is None:
            return None
        return max(accepted_at, self.not_before or accepted_at) + timedelta(seconds=self.start_within)


def _replaced(image_urls: Sequence[str], video_urls: Sequence[str], urls: Mapping[str, str]) -> dict[str, list[str]]:
    return {
        "image_urls": [urls.get(url, url) for url in image_urls],
        "video_urls": [urls.get(url, url) for url in video_urls],
    }
