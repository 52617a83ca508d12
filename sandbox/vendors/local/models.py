"""The body of a create, after docs/model-server.md. Unknown fields are refused."""

import base64
import binascii
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.media import MediaSpec
from sandbox.task import JsonObject
from sandbox.validation import HttpUrlText, sentences
from sandbox.vendors.local.errors import LocalError
from sandbox.vendors.local.pipelines import Pipeline, find

MAX_IMAGE_BYTES = 20 * 1024**2
_LARGEST_MOTION = 255
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")

Side = Annotated[int, Field(ge=16, le=4096)]


class Options(BaseModel):
    """The knobs of Stable Video Diffusion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    motion_bucket_id: Annotated[int, Field(ge=1, le=_LARGEST_MOTION)] | None = None
    """More motion when higher."""
    noise_aug_strength: Annotated[float, Field(ge=0, le=1)] | None = None
    """Freer from the picture when higher."""


class JobCreate(BaseModel):
    """The body of a create."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    pipeline: str
    """The name of a configured pipeline."""
    reference: Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,200}$")]
    """The client's own id of the job. Each makes one job."""
    prompt: str | None = None
    """The prompt."""
    negative_prompt: str | None = None
    """The negative prompt."""
    image: str | None = Field(default=None, repr=False)
    """The picture to begin with, in base64."""
    width: Side | None = None
    """Pixels."""
    height: Side | None = None
    """Pixels."""
    num_frames: Annotated[int, Field(ge=1, le=1000)] | None = None
    """The number of frames."""
    fps: Annotated[int, Field(ge=1, le=60)] | None = None
    """Frames a second."""
    steps: Annotated[int, Field(ge=1, le=200)] | None = None
    """The number of steps."""
    guidance: Annotated[float, Field(ge=0, le=50)] | None = None
    """The strength of the guidance."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """The seed. None: the server draws one."""
    options: Options | None = None
    """The pipeline's own knobs."""
    webhook_url: HttpUrlText | None = None
    """Gets the finished job."""

    def check(self) -> Pipeline:
        """The pipeline of the create. Raises `LocalError` 422 for a field that the pipeline does not take."""
        pipeline = find(self.pipeline)
        for name in ("prompt", "negative_prompt"):
            if getattr(self, name) is not None and not pipeline.takes_prompt:
                raise LocalError(422, "invalid_request", f"{name}: {pipeline.name} takes no text")
        if self.image is not None and not pipeline.takes_image:
            raise LocalError(422, "invalid_request", f"image: {pipeline.name} takes no picture")
        if self.image is None and pipeline.takes_image:
            raise LocalError(422, "invalid_request", f"image: {pipeline.name} starts from a picture")
        knobs = {} if self.options is None else self.options.model_dump(exclude_none=True)
        if unknown := sorted(set(knobs) - pipeline.options):
            raise LocalError(422, "invalid_request", f"options.{unknown[0]}: {pipeline.name} has no such option")
        return pipeline

    def picture(self) -> bytes | None:
        """The bytes of the picture. Raises `LocalError` 413 or 422."""
        if self.image is None:
            return None
        try:
            content = base64.b64decode(self.image, validate=True)
        except (binascii.Error, ValueError):
            raise LocalError(422, "invalid_request", "image: must be base64") from None
        if len(content) > MAX_IMAGE_BYTES:
            raise LocalError(413, "invalid_request", f"image: has more than {MAX_IMAGE_BYTES} bytes")
        if not content.startswith(_PICTURES):
            raise LocalError(422, "invalid_request", "image: must be a PNG, JPEG or WebP")
        return content

    def spec(self, pipeline: Pipeline) -> MediaSpec:
        """The file of the job."""
        width = pipeline.size("width", self.width, pipeline.width)
        height = pipeline.size("height", self.height, pipeline.height)
        if pipeline.kind == "image":
            return MediaSpec(format="png", width=width, height=height)
        fps = self.fps or pipeline.fps
        frames = pipeline.frame_count(self.num_frames)
        return MediaSpec(format="mp4", width=width, height=height, duration_seconds=frames / fps, frame_rate=fps)


def read_create(fields: JsonObject) -> JobCreate:
    """The validated fields. Raises `LocalError` 422."""
    try:
        return JobCreate.model_validate(fields)
    except ValidationError as error:
        raise LocalError(422, "invalid_request", sentences(error)) from None


def text_of(fields: JsonObject, name: str) -> str:
    """A text of the body for scenarios and counts, even of invalid fields."""
    text = fields.get(name)
    return text if isinstance(text, str) else ""
