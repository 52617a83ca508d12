"""Input and output of the endpoint, after docs/longcat-endpoint.md. Unknown fields are refused."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import Size, size_of
from sandbox.task import JsonObject
from sandbox.validation import HttpUrlText, sentences
from sandbox.vendors.longcat.errors import LongCatError

MAX_INPUT_BYTES = 200 * 1024**2

# The pipeline needs sides that are multiples of 16.
_SIZES: dict[str, dict[str, Size]] = {
    "480p": {"16:9": (832, 480), "9:16": (480, 832), "1:1": (640, 640)},
    "720p": {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960)},
}


class VideoCreate(BaseModel):
    """The body of a create: from text, from a picture, or an extension of a video."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    prompt: Annotated[str, Field(min_length=1)]
    """The prompt."""
    negative_prompt: str = ""
    """The negative prompt."""
    image_url: HttpUrlText | None = None
    """The picture to begin with."""
    video_url: HttpUrlText | None = None
    """The video to extend."""
    aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None
    """The shape of a video from text."""
    resolution: Literal["480p", "720p"] = "480p"
    """The resolution."""
    num_frames: Annotated[int, Field(ge=5, le=1801)] = 93
    """The number of frames: a multiple of 4, and 1."""
    fps: Literal[15, 30] = 15
    """Frames a second."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """The seed."""
    reference: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """The client's own id of the job. Each id makes one job."""

    @property
    def input_url(self) -> str | None:
        """The URL of the picture or video that the video begins with."""
        return self.image_url or self.video_url

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if self.image_url is not None and self.video_url is not None:
            raise ValueError("image_url and video_url exclude each other")
        if self.input_url is not None and self.aspect_ratio is not None:
            raise ValueError("aspect_ratio is for videos from text: any other has the shape of its input")
        if self.num_frames % 4 != 1:
            raise ValueError("num_frames must be a multiple of 4, and 1")
        if self.fps == 30 and self.resolution == "480p":
            raise ValueError("30 frames a second are made at 720p only")
        return self

    def spec(self, source: SourceImage | None) -> MediaSpec:
        """The file that the model delivers."""
        shape = "auto" if self.input_url else self.aspect_ratio or "16:9"
        width, height = size_of(_SIZES[self.resolution], shape, source)
        return MediaSpec(
            format="mp4",
            width=width,
            height=height,
            duration_seconds=self.num_frames / self.fps,
            frame_rate=self.fps,
        )


def read_create(fields: JsonObject) -> VideoCreate:
    """The validated fields. Raises `LongCatError` 422."""
    try:
        return VideoCreate.model_validate(fields)
    except ValidationError as error:
        raise LongCatError(422, "invalid_input", sentences(error)) from None


def prompt_of(fields: JsonObject) -> str:
    """The prompt for scenarios and counts, even of invalid fields."""
    prompt = fields.get("prompt")
    return prompt if isinstance(prompt, str) else ""
