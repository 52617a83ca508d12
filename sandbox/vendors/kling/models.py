"""What the sandbox knows of Kling 3.0: the bodies of its creates, their prices, and what they deliver.

Field names and limits are those of https://kling.ai/document-api, in the new dialect. Unknown fields are refused, so
that a misspelt one is noticed here and not on a bill. Prices are near Kling's; nothing should depend on their amounts.
"""

from abc import ABC, abstractmethod
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import Size, size_of
from sandbox.task import JsonObject
from sandbox.validation import HttpUrlText, sentences
from sandbox.vendors.kling.errors import KlingError

MAX_IMAGE_BYTES = 50 * 1024**2
_SHORTEST_SIDE = 300
_LONGEST_SHAPE = 2.5

_SIZES: dict[str, Size] = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960)}
_SCALES = {"720p": 1.0, "1080p": 1.5, "4k": 3.0}
_FRAME_RATE = 24
_UNITS_PER_SECOND = {"720p": 0.6, "1080p": 1.2, "4k": 2.4}

Prompt = Annotated[str, Field(min_length=1, max_length=3072)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Watermark(_Part):
    """`options.watermark_info`."""

    enabled: bool


class Options(_Part):
    """`options`."""

    callback_url: HttpUrlText | None = None
    external_task_id: str | None = Field(default=None, min_length=1)
    watermark_info: Watermark | None = None


class Settings(_Part):
    """`settings`, of both paths."""

    resolution: Literal["720p", "1080p", "4k"] = "720p"
    duration: int = Field(default=5, ge=3, le=15)
    audio: Literal["native", "off"] = "off"
    multi_shot: bool = False


class TextSettings(Settings):
    """`settings` of text-to-video."""

    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"


class Words(_Part):
    """The prompt, as one of the `contents`."""

    type: Literal["prompt"]
    text: Prompt


class Frame(_Part):
    """A picture, as one of the `contents`. Kling takes base64, too; the sandbox takes URLs only."""

    type: Literal["first_frame", "last_frame"]
    url: HttpUrlText


class KlingCreate(_Part, ABC):
    """The body of a create."""

    settings: Settings = Settings()
    options: Options = Options()

    @property
    def units(self) -> float:
        """What it costs."""
        sound = 2 if self.settings.audio == "native" else 1
        return round(_UNITS_PER_SECOND[self.settings.resolution] * self.settings.duration * sound, 2)

    def image_sources(self) -> tuple[str, ...]:
        """The pictures that Kling fetches, the first frame first."""
        return ()

    @abstractmethod
    def spec(self, source: SourceImage | None) -> MediaSpec:
        """What Kling delivers, given the first frame. Raises `KlingError` 1201 for a picture that it does not take."""

    def _video(self, ratio: str, source: SourceImage | None) -> MediaSpec:
        width, height = size_of(_SIZES, ratio, source)
        scale = _SCALES[self.settings.resolution]
        return MediaSpec(
            format="mp4",
            width=round(width * scale),
            height=round(height * scale),
            duration_seconds=self.settings.duration,
            frame_rate=_FRAME_RATE,
            sound=self.settings.audio == "native",
        )


class TextToVideo(KlingCreate):
    """`/text-to-video/kling-3.0`."""

    prompt: Prompt
    settings: TextSettings = TextSettings()

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return self._video(self.settings.aspect_ratio, source)


class ImageToVideo(KlingCreate):
    """`/image-to-video/kling-3.0`; the picture's own shape decides the video's."""

    contents: list[Annotated[Words | Frame, Field(discriminator="type")]]

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        types = [part.type for part in self.contents]
        if "first_frame" not in types:
            raise ValueError("a first_frame is missing")
        if len(set(types)) < len(types):
            raise ValueError("each type may be given once")
        return self

    def image_sources(self) -> tuple[str, ...]:
        frames = [part for part in self.contents if isinstance(part, Frame)]
        return tuple(frame.url for frame in sorted(frames, key=lambda frame: frame.type))

    def spec(self, source: SourceImage | None) -> MediaSpec:
        if source is not None:
            shorter, longer = sorted((source.width, source.height))
            if shorter < _SHORTEST_SIDE or longer > _LONGEST_SHAPE * shorter:
                raise KlingError(1201, f"The image has {source.width} x {source.height} pixels; 300 at least, 1:2.5")
        return self._video("auto", source)


_CREATES: dict[str, type[KlingCreate]] = {
    "text-to-video/kling-3.0": TextToVideo,
    "image-to-video/kling-3.0": ImageToVideo,
}


def read_create(model: str, body: JsonObject) -> KlingCreate:
    """The validated body. Raises `KlingError`: 1203 for an unknown model, 1201 for anything else."""
    if model not in _CREATES:
        raise KlingError(1203, f"There is no resource {model}")
    try:
        return _CREATES[model].model_validate(body)
    except ValidationError as error:
        raise KlingError(1201, sentences(error)) from None


def prompt_of(body: JsonObject) -> str:
    """What scenarios and counts go by, even when the body is not valid."""
    contents = body.get("contents")
    parts = contents if isinstance(contents, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "prompt"]
    return next((text for text in (body.get("prompt"), *texts) if isinstance(text, str)), "")
