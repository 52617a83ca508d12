"""The request and the answers of `/api/video`, with the names that its pages use."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal, TypeVar
from uuid import UUID

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from gateway.seeds.app_errors import PromptTooShort
from gateway.seeds.app_stages import AppStage, AppStatus
from schemas.enums import ErrorCode, Kind
from schemas.inputs import InputUrl
from schemas.orders import LARGEST_SEED, GenerationRequest, OptionalWholeNumber, Reference
from schemas.text import OptionalName, Prose
from schemas.webhook_urls import EndpointUrl
from schemas.words import ASPECT_RATIOS, LENGTHS, SHAPES, listed, meaning

T = TypeVar("T")

_SHORTEST_PROMPT: Final = 10
_LONGEST_PROMPT: Final = 500

DEADLINE_SECONDS: Final = 300
"""A video that is not stored after this time fails, and its credits come back."""

DEFAULTS: Final[Mapping[str, object]] = {"resolution": "1080p"}
"""The values of this form for omitted settings, by our names."""

NAMES: Final[Mapping[str, str]] = {
    "aspect_ratio": "aspectRatio",
    "duration_seconds": "duration",
    "fps": "frameRate",
    "motion": "motionIntensity",
    "image_urls": "imageUrl",
    "image_urls.0": "imageUrl",
    "callback_url": "callbackUrl",
}
"""The names of this form for fields of an order."""


def _text_of_null(value: T) -> T | str:
    return "" if value is None else value


class VideoRequest(BaseModel):
    """A request for a video. Unknown fields have no effect, as at the original."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        hide_input_in_errors=True,
        json_schema_extra={
            "required": ["prompt"],
            "examples": [
                {
                    "prompt": "A paper boat on a rainy street",
                    "duration": 5,
                    "frameRate": 24,
                    "aspectRatio": "16:9",
                    "style": "realistic",
                }
            ],
        },
    )

    prompt: Annotated[Prose, BeforeValidator(_text_of_null)] = Field(
        default="",
        description="required",
        max_length=_LONGEST_PROMPT,
        # `as_order` checks these two, in the words of the original.
        json_schema_extra={"minLength": _SHORTEST_PROMPT, "pattern": r"\S"},
    )
    duration: OptionalWholeNumber = Field(
        default=None,
        description="seconds. `nFrames` and `n_frames` are the same field",
        ge=3,
        le=10,
        validation_alias=AliasChoices("duration", *LENGTHS),
    )
    aspect_ratio: Annotated[Literal["16:9", "9:16", "1:1", "4:5"] | None, meaning(ASPECT_RATIOS)] = Field(
        default=None,
        description="width to height; also " + listed(ASPECT_RATIOS) + ". `image_size` is the same field",
        validation_alias=AliasChoices("aspectRatio", "aspect_ratio", *SHAPES),
    )
    frame_rate: Literal[24, 30, 60] | None = Field(default=None, description="frames a second")
    resolution: Literal["720p", "1080p", "4k"] | None = Field(
        default=None, description="the nearest is taken; omitted: 1080p, or the nearest of the model"
    )
    style: OptionalName = Field(
        default=None,
        description="`realistic`, `cartoon`, `anime`, `motion-graphics`, `3d`, or another style of ours",
        max_length=200,
    )
    motion_intensity: Literal["low", "medium", "high"] | None = Field(default=None, description="how much is to move")
    seed: OptionalWholeNumber = Field(
        default=None, description="the same seed and request may give a similar result", ge=0, le=LARGEST_SEED
    )
    provider: Literal["runway", "pika", "stable-video"] | None = Field(
        default=None, description="whose model makes the video; omitted: the first model that can"
    )
    model: OptionalName = Field(
        default=None, description="a model or a family in place of `provider`", min_length=1, max_length=200
    )
    image_url: InputUrl | None = Field(default=None, description="a picture to set in motion; `stable-video` needs one")
    reference: Reference | None = Field(default=None, description="your id of the thing that the video is for")
    callback_url: EndpointUrl | None = Field(
        default=None, description="where a signed message goes when the video ends; https"
    )

    @property
    def asked(self) -> frozenset[str]:
        """The names of the fields that the request has."""
        return frozenset(map(to_camel, self.model_fields_set))

    def as_order(self) -> GenerationRequest:
        """The request in the form of every door.

        Raises:
            PromptTooShort: the prompt is too short, blank or missing.
        """
        if len(self.prompt) < _SHORTEST_PROMPT or not self.prompt.strip():
            text = f"prompt: must have at least {_SHORTEST_PROMPT} characters"
            raise PromptTooShort(text, {"errors": [{"field": "prompt", "message": text.partition(": ")[2]}]})
        return GenerationRequest.model_validate(
            {
                "kind": Kind.VIDEO,
                "model": self.model or self.provider,
                "prompt": self.prompt,
                "duration_seconds": self.duration,
                "aspect_ratio": self.aspect_ratio,
                "fps": self.frame_rate,
                "resolution": self.resolution,
                "style": self.style,
                "motion": self.motion_intensity,
                "seed": self.seed,
                "image_urls": [] if self.image_url is None else [self.image_url],
                "reference": self.reference,
                "callback_url": self.callback_url,
                "deadline_seconds": DEADLINE_SECONDS,
            }
        )


class VideoJob(BaseModel):
    """The answer to a request for a video."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    job_id: UUID
    """The generation's id."""


class VideoState(BaseModel):
    """A video, and how far it is."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    id: UUID
    """The job's id."""
    status: AppStatus
    """The status."""
    progress: int = Field(ge=0, le=100)
    """Percent done."""
    current_stage: AppStage | None
    """The stage whose range has the progress. Null without a result at the end."""
    error_message: str | None
    """The reason why there is no video, for people."""
    error_code: ErrorCode | None
    """The same, for programs."""
    video_url: str | None
    """The video, at a link that works without a key for a stated time."""
    thumbnail_url: str | None
    """A still picture of the video, at such a link."""
    prompt: str
    """The prompt, with the text of the style."""
    duration: int | None
    """The ordered seconds."""
    aspect_ratio: str | None
    """Width to height, as taken."""
    frame_rate: float | None
    """Frames a second: of the video, and before its end as ordered."""
    resolution: str | None
    """The resolution, as taken."""
    style: str | None
    """The style."""
    motion_intensity: str | None
    """How much moves, as taken: `low`, `medium` or `high`."""
    seed: int | None
    """The seed, as taken."""
    provider: str
    """Who makes the video."""
    model: str
    """The model that makes the video."""
    width: int | None
    """Pixels."""
    height: int | None
    """Pixels."""
    codec: str | None
    """The codec's name."""
    bitrate: int | None
    """Bits a second."""
    file_size: int | None
    """Bytes."""
    created_at: datetime
    """The time of the request."""
    started_at: datetime | None
    """The time at which the provider accepted the work."""
    completed_at: datetime | None
    """The time at which the video was stored. Null without a video."""
    downloads: int
    """How often the video was fetched."""
    rating: int | None
    """Your rating, 1 to 5."""
    credits_used: int
    """The credits of the video: held, then taken. 0 if they came back."""
    render_time_ms: int | None
    """The milliseconds from the start until the video was ready at the provider."""
    reference: str | None
    """Your id of the thing that the video is for."""
