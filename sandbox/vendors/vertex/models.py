"""Veo in the sandbox: the body of `:predictLongRunning` and the file that the model delivers.

Fields are those of `_GenerateVideosParameters_to_vertex` and its neighbours in `google/genai/models.py` of
https://github.com/googleapis/python-genai, values and limits those of
https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/veo/3-1-generate. Unknown fields are refused: the
sandbox finds a misspelt field before a vendor bills for it.
"""

import base64
import binascii
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from sandbox.media import MediaSpec
from sandbox.task import JsonObject
from sandbox.validation import sentences
from sandbox.vendors.vertex.errors import VertexError

MODELS = ("veo-3.1-generate-001", "veo-3.1-fast-generate-001", "veo-3.1-lite-generate-001")
BYTES = "bytesBase64Encoded"

_FRAME_RATE = 24
_EXTENSION_SECONDS = 7
_SHORT_SIDES = {"720p": 720, "1080p": 1080, "4k": 2160}


def _check_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("should be base64") from None
    return text


Base64Text = Annotated[str, Field(min_length=1), AfterValidator(_check_base64)]
GcsUri = Annotated[str, Field(pattern=r"^gs://[a-z0-9][a-z0-9._-]+(/.*)?$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Media(_Part):
    content: Base64Text | None = Field(default=None, alias=BYTES)
    gcs_uri: GcsUri | None = Field(default=None, alias="gcsUri")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.content is None) is (self.gcs_uri is None):
            raise ValueError(f"should have one of {BYTES} and gcsUri")
        return self


class Image(_Media):
    """A picture."""

    mime_type: Literal["image/jpeg", "image/png", "image/webp"] = Field(alias="mimeType")


class Video(_Media):
    """A video to extend."""

    mime_type: Literal["video/mp4"] = Field(alias="mimeType")


class Reference(_Part):
    """A reference picture. Veo 3.1 supports only this one of the two types."""

    image: Image
    kind: Literal["asset", "ASSET"] = Field(alias="referenceType")


class Instance(_Part):
    """The prompt and the inputs of a video."""

    prompt: Annotated[str, Field(min_length=1)]
    image: Image | None = None
    last_frame: Image | None = Field(default=None, alias="lastFrame")
    video: Video | None = None
    references: Annotated[list[Reference], Field(max_length=3)] = Field(default=[], alias="referenceImages")

    @model_validator(mode="after")
    def _one_kind_of_source(self) -> Self:
        if sum((self.image is not None, self.video is not None, bool(self.references))) > 1:
            raise ValueError("should have only one of image, video and referenceImages")
        if self.last_frame is not None and self.image is None:
            raise ValueError("lastFrame should come with an image")
        return self

    @property
    def source(self) -> Image | Video | None:
        """The picture or video of the first frame."""
        return self.image or self.video or next((reference.image for reference in self.references), None)


class Parameters(_Part):
    """The settings of a video. Veo makes up to four samples; the sandbox makes one."""

    sample_count: Literal[1] = Field(default=1, alias="sampleCount")
    storage_uri: GcsUri | None = Field(default=None, alias="storageUri")
    duration: Literal[4, 6, 7, 8] | None = Field(default=None, alias="durationSeconds")
    aspect_ratio: Literal["16:9", "9:16"] = Field(default="16:9", alias="aspectRatio")
    resolution: Literal["720p", "1080p", "4k"] = "720p"
    fps: Literal[24] = 24
    seed: int | None = Field(default=None, ge=0, le=2**32 - 1)
    negative_prompt: str | None = Field(default=None, alias="negativePrompt")
    audio: bool = Field(default=True, alias="generateAudio")
    # "Veo 3 prompt enhancement cannot be disabled."
    enhance: Literal[True] = Field(default=True, alias="enhancePrompt")
    persons: Literal["dont_allow", "allow_adult", "allow_all"] = Field(default="allow_adult", alias="personGeneration")
    compression: Literal["optimized", "lossless", "OPTIMIZED", "LOSSLESS"] = Field(
        default="optimized", alias="compressionQuality"
    )
    resize: Literal["pad", "crop", "PAD", "CROP"] = Field(default="pad", alias="resizeMode")
    pubsub_topic: str | None = Field(default=None, alias="pubsubTopic")


class VeoCreate(_Part):
    """The body of a create."""

    instances: Annotated[list[Instance], Field(min_length=1, max_length=1)]
    parameters: Parameters = Parameters()
    labels: dict[str, str] = {}

    @model_validator(mode="after")
    def _length_fits(self) -> Self:
        feature, allowed = ("video_extension", (_EXTENSION_SECONDS,)) if self.instance.video else ("video", (4, 6, 8))
        if self.parameters.duration not in (None, *allowed):
            told = f"supported durations are {list(allowed)} for feature {feature}"
            raise ValueError(f"Unsupported output video duration {self.parameters.duration} seconds, {told}")
        if self.instance.video and self.parameters.resolution != "720p":
            raise ValueError("an extension should have the resolution 720p")
        return self

    @property
    def instance(self) -> Instance:
        """The only instance."""
        return self.instances[0]

    def spec(self) -> MediaSpec:
        """The file that the model delivers. An extension delivers only the added part."""
        wanted = self.parameters
        short = _SHORT_SIDES[wanted.resolution]
        width, height = (short * 16 // 9, short) if wanted.aspect_ratio == "16:9" else (short, short * 16 // 9)
        return MediaSpec(
            format="mp4",
            width=width,
            height=height,
            duration_seconds=wanted.duration or (_EXTENSION_SECONDS if self.instance.video else 8),
            frame_rate=_FRAME_RATE,
            sound=wanted.audio,
        )


def read_create(model: str, body: JsonObject) -> VeoCreate:
    """The validated body. Raises `VertexError`: 404 for an unknown model, 400 for anything else."""
    if model not in MODELS:
        raise VertexError(404, f"Publisher Model `publishers/google/models/{model}` was not found")
    try:
        return VeoCreate.model_validate(body)
    except ValidationError as error:
        raise VertexError(400, sentences(error)) from None


def prompt_of(body: JsonObject) -> str:
    """The prompt for scenarios and counts, even of an invalid body."""
    match body:
        case {"instances": [{"prompt": str(prompt)}, *_]}:
            return prompt
        case _:
            return ""


def without_bytes(value: JsonValue) -> JsonValue:
    """The body without base64: an empty text replaces each value."""
    match value:
        case dict():
            return {name: "" if name == BYTES else without_bytes(item) for name, item in value.items()}
        case list():
            return [without_bytes(item) for item in value]
        case _:
            return value
