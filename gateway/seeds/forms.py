"""The requests of the seeds' `/video` and `/image`, with the names that their clients use."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from providers.catalogue.fitting import NO_DEFAULTS
from schemas.enums import Kind
from schemas.inputs import InputUrl
from schemas.limits import PriorityWord
from schemas.orders import LARGEST_SEED, LONGEST_START_SECONDS, OptionalNumber, OptionalWholeNumber
from schemas.text import Name, OptionalName, OptionalProse, Prose
from schemas.webhook_urls import EndpointUrl
from schemas.words import ASPECT_RATIOS, LENGTHS, MOTIONS, OUTPUT_FORMATS, SHAPES, STYLES, listed, meaning

T = TypeVar("T")

_LONGEST_WORD = 200
_LONGEST_PROMPT = 20_000


def _empty_of_null(value: T) -> T | dict[str, object]:
    return {} if value is None else value


def _text_of_number(value: T) -> T | str:
    # Python counts `true` as a number.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


OrEmpty = BeforeValidator(_empty_of_null)

CustomerId = Annotated[OptionalName, BeforeValidator(_text_of_number, json_schema_input_type=int | str | None)]
"""The customer: a number or a text."""


class MediaSettings(BaseModel):
    """The settings that videos and images share. Null and empty mean the default. A warning names unknown settings."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    default_model: ClassVar[str | None] = None
    """The model of a request that names none."""
    defaults: ClassVar[Mapping[str, object]] = NO_DEFAULTS
    """The values in place of other omitted settings, by our names."""
    qualities: ClassVar[Mapping[str, str]] = {}
    """The resolutions that the words of `quality` mean."""
    names: ClassVar[Mapping[str, str]] = {}
    """The names of the settings here that differ from ours, by ours."""

    model: OptionalName = Field(default=None, description="a model or a family", max_length=_LONGEST_WORD)
    aspect_ratio: Annotated[OptionalName, meaning(ASPECT_RATIOS)] = Field(
        default=None,
        description="width:height; also " + listed(ASPECT_RATIOS) + ". `image_size` is the same field",
        max_length=20,
        validation_alias=AliasChoices("aspect_ratio", *SHAPES),
    )
    resolution: OptionalName = Field(default=None, description="such as 720p, or 2K", max_length=20)
    quality: OptionalName = Field(
        default=None, description="a word for the resolution: low, standard, high", max_length=20
    )
    enhance_prompt: bool | None = Field(default=None, description="whether the model may rewrite the prompt first")
    negative_prompt: OptionalProse = Field(default=None, description="what to keep out", max_length=_LONGEST_PROMPT)
    style: Annotated[OptionalName, meaning(STYLES)] = Field(
        default=None, description="a look, from GET /v1/models", max_length=_LONGEST_WORD
    )
    seed: OptionalWholeNumber = Field(
        default=None, description="the same seed and request may give a similar result", ge=0, le=LARGEST_SEED
    )
    priority: PriorityWord | None = Field(default=None, description="as in POST /v1/generations")
    start_within: OptionalWholeNumber = Field(
        default=None, description="as in POST /v1/generations", ge=1, le=LONGEST_START_SECONDS
    )
    poll_timeout_seconds: OptionalNumber = Field(
        default=None, description="how long the request stays open; the operator has a limit, too", ge=0
    )
    poll_interval_seconds: OptionalNumber = Field(
        default=None, description="has no effect: the answer comes as soon as the result is stored", ge=0
    )

    @property
    def asked(self) -> dict[str, Any]:
        """The settings in the request that an order has, by our names."""
        ours = {theirs: ours for ours, theirs in self.names.items()}
        unused = {"quality", "poll_timeout_seconds", "poll_interval_seconds", *self.unknown}
        given = self.model_dump(exclude=unused, exclude_none=True)
        known = {ours.get(name, name): value for name, value in given.items() if value != ""}
        if self.quality:
            known.setdefault("resolution", self.qualities.get(self.quality.lower(), self.quality))
        return known

    @property
    def unknown(self) -> list[str]:
        """The names of settings that have no meaning here."""
        return list(self.model_extra or {})


class VideoSettings(MediaSettings):
    """The settings of a video."""

    default_model = "veo-3.1-fast"
    defaults = {"duration_seconds": 5, "aspect_ratio": "9:16", "enhance_prompt": True}
    qualities = {"low": "480p", "standard": "720p", "medium": "720p", "high": "1080p", "hd": "1080p"}
    names = {"number_of_outputs": "number_of_videos"}

    duration_seconds: OptionalWholeNumber = Field(
        default=None,
        description="seconds. `nFrames` and `n_frames` are the same field",
        gt=0,
        le=600,
        validation_alias=AliasChoices("duration_seconds", *LENGTHS),
    )
    number_of_videos: OptionalWholeNumber = Field(default=None, description="videos to make, 1 to 10", ge=1, le=10)
    fps: OptionalWholeNumber = Field(default=None, description="frames a second", gt=0, le=240)
    generate_audio: bool | None = Field(default=None, description="whether the video has sound")
    motion: Annotated[OptionalNumber, meaning(MOTIONS)] = Field(
        default=None, description="how much is to move, 0 to 1", ge=0, le=1
    )


class ImageSettings(MediaSettings):
    """The settings of an image."""

    qualities = {"low": "1K", "standard": "1K", "medium": "1K", "high": "2K", "hd": "2K", "ultra": "4K"}
    names = {"number_of_outputs": "number_of_images"}

    number_of_images: OptionalWholeNumber = Field(default=None, description="images to make, 1 to 10", ge=1, le=10)
    output_format: Annotated[OptionalName, meaning(OUTPUT_FORMATS)] = Field(
        default=None, description="png or jpeg", max_length=20
    )


class VideoGroups(BaseModel):
    """The groups of settings. Other groups are ignored."""

    video: Annotated[VideoSettings, OrEmpty] = Field(default=VideoSettings(), description="the settings of the video")


class ImageGroups(BaseModel):
    """The groups of settings. Other groups are ignored."""

    image: Annotated[ImageSettings, OrEmpty] = Field(default=ImageSettings(), description="the settings of the image")


class MediaRequest(BaseModel):
    """The fields that all requests share. Unknown fields are ignored, as the seed's service ignored them."""

    model_config = ConfigDict(hide_input_in_errors=True)

    kind: ClassVar[Kind] = Kind.VIDEO
    """What the request makes."""
    operation: ClassVar[str] = "video/generate"
    """The name of the operation."""

    prompt: Prose = Field(description="what to make", min_length=1, max_length=_LONGEST_PROMPT)
    customer_id: CustomerId = Field(
        default=None,
        description="the customer, a number or a text: the own number of a service, or your own id",
        min_length=1,
        max_length=_LONGEST_WORD,
        examples=[123],
    )
    save_to_db: bool | None = Field(
        default=None, description="false: the answer has the file itself, and we delete the file soon after"
    )
    callback_url: EndpointUrl | None = Field(
        default=None, description="where a signed message goes when each result ends; https"
    )

    @property
    @abstractmethod
    def group(self) -> MediaSettings:
        """The settings of the medium."""

    @property
    def sent(self) -> dict[str, Any]:
        """The fields of the order that the request asks for, by our names."""
        called_back = {"callback_url": self.callback_url} if self.callback_url else {}
        return {"kind": self.kind, "prompt": self.prompt, **called_back, **self.group.asked}

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the order."""
        return self.sent

    @property
    def defaults(self) -> Mapping[str, object]:
        """The values of the form for omitted settings, by our names. The defaults of a new video do not extend one."""
        return NO_DEFAULTS

    @property
    def names(self) -> dict[str, str]:
        """The names of this form for fields of an order."""
        ours = [*type(self.group).model_fields, *self.group.names]
        return {name: f"settings.{self.kind}.{self.group.names.get(name, name)}" for name in ours}


class GenerateMedia(MediaRequest):
    """A request for a video or an image from a text, or from a text and a picture."""

    input_image_url: InputUrl | None = Field(default=None, description="a picture to set in motion, or to change")

    @property
    def sent(self) -> dict[str, Any]:
        """The fields of the order that the request asks for, by our names."""
        pictures = {"image_urls": [self.input_image_url]} if self.input_image_url else {}
        return {**super().sent, **pictures}

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the order. A request that names no model gets the one of the form."""
        return {"model": self.group.default_model, **self.sent}

    @property
    def defaults(self) -> Mapping[str, object]:
        """The values of the form for omitted settings, by our names."""
        return self.group.defaults

    @property
    def names(self) -> dict[str, str]:
        """The names of this form for fields of an order."""
        return super().names | {"image_urls": "input_image_url", "image_urls.0": "input_image_url"}


class GenerateVideo(GenerateMedia):
    """A request for a video."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "prompt": "A serene mountain landscape at sunset",
                    "settings": {
                        "video": {
                            "model": "veo-3.1-fast",
                            "duration_seconds": 5,
                            "aspect_ratio": "9:16",
                            "enhance_prompt": True,
                            "number_of_videos": 1,
                        }
                    },
                    "customer_id": 123,
                    "save_to_db": True,
                }
            ]
        }
    )

    settings: Annotated[VideoGroups, OrEmpty] = Field(
        default=VideoGroups(), description="`settings.video` describes the video"
    )

    @property
    def group(self) -> VideoSettings:
        """The settings of the video."""
        return self.settings.video


class ExtendVideo(MediaRequest):
    """A request for a video that goes on where another one ends."""

    operation = "video/extend"

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "video_id": "3e41a28d-5bf9-40ce-a038-dc975dda27ad",
                    "prompt": "The camera rises above the clouds",
                    "customer_id": 123,
                }
            ]
        }
    )

    video_id: Name = Field(
        description="the video to extend: its id, its `video_url` or `status_url`, or the address of another video",
        min_length=1,
        validation_alias=AliasChoices("video_id", "video_url", "input_video_url"),
    )
    settings: Annotated[VideoGroups, OrEmpty] = Field(
        default=VideoGroups(), description="`settings.video` describes the video"
    )

    @property
    def group(self) -> VideoSettings:
        """The settings of the video."""
        return self.settings.video

    @property
    def sent(self) -> dict[str, Any]:
        """The fields of the order that the request asks for, with the video as the request names it."""
        return {**super().sent, "video_urls": [self.video_id]}

    @property
    def names(self) -> dict[str, str]:
        """The names of this form for fields of an order."""
        return super().names | {"video_urls": "video_id", "video_urls.0": "video_id"}


class GenerateImage(GenerateMedia):
    """A request for an image."""

    kind = Kind.IMAGE
    operation = "image/generate"

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "prompt": "A serene mountain landscape at sunset",
                    "settings": {"image": {"model": "nano-banana", "aspect_ratio": "16:9"}},
                    "customer_id": 123,
                }
            ]
        }
    )

    settings: Annotated[ImageGroups, OrEmpty] = Field(
        default=ImageGroups(), description="`settings.image` describes the image"
    )

    @property
    def group(self) -> ImageSettings:
        """The settings of the image."""
        return self.settings.image
