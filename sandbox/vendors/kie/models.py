"""The models that the sandbox knows of Kie Market: their inputs, their prices, and what they deliver.

Field names and limits are those of Kie's model pages. Unknown fields are refused, so that a misspelt one is noticed
here and not on a bill. Prices are near Kie's, which change; nothing should depend on their amounts.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import Size, size_of
from sandbox.task import JsonObject
from sandbox.validation import HttpUrlText, sentences
from sandbox.vendors.kie.errors import KieError

AspectRatio = Literal["1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto"]

# Output sizes of the models behind the two families: Gemini 2.5 Flash Image and Gemini 3 Pro Image (at 1K).
_NANO_BANANA_SIZES: dict[str, Size] = {
    "1:1": (1024, 1024),
    "9:16": (768, 1344),
    "16:9": (1344, 768),
    "3:4": (864, 1184),
    "4:3": (1184, 864),
    "3:2": (1248, 832),
    "2:3": (832, 1248),
    "5:4": (1152, 896),
    "4:5": (896, 1152),
    "21:9": (1536, 672),
}
_NANO_BANANA_PRO_SIZES: dict[str, Size] = {
    "1:1": (1024, 1024),
    "9:16": (768, 1376),
    "16:9": (1376, 768),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "3:2": (1264, 848),
    "2:3": (848, 1264),
    "5:4": (1152, 928),
    "4:5": (928, 1152),
    "21:9": (1584, 672),
}
_KLING_SIZES: dict[str, Size] = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960)}
_KLING_FRAME_RATE = 24


class KieInput(BaseModel, ABC):
    """The `input` object of a create request."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    max_image_bytes: ClassVar[int] = 10 * 1024**2
    prompt: str

    def image_sources(self) -> tuple[str, ...]:
        """The URLs that Kie fetches before it accepts the task."""
        return ()

    @abstractmethod
    def credits(self) -> float:
        """What Kie charges at submission."""

    @abstractmethod
    def spec(self, source: SourceImage | None) -> MediaSpec:
        """What Kie delivers, given the first input image."""


class NanoBanana(KieInput):
    """`google/nano-banana`."""

    prompt: str = Field(min_length=1, max_length=5000)
    output_format: Literal["png", "jpeg"] = "png"
    aspect_ratio: AspectRatio | None = None
    image_size: AspectRatio | None = Field(default=None, description="the older name of aspect_ratio")

    def credits(self) -> float:
        return 4

    def spec(self, source: SourceImage | None) -> MediaSpec:
        ratio = self.aspect_ratio or self.image_size or "1:1"
        width, height = size_of(_NANO_BANANA_SIZES, ratio, source)
        return MediaSpec(format="png" if self.output_format == "png" else "jpg", width=width, height=height)


class NanoBananaEdit(NanoBanana):
    """`google/nano-banana-edit`."""

    image_urls: list[HttpUrlText] = Field(min_length=1, max_length=10)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)


class NanoBananaPro(KieInput):
    """`nano-banana-pro`."""

    max_image_bytes: ClassVar[int] = 30 * 1024**2
    prompt: str = Field(min_length=1, max_length=20_000)
    image_input: list[HttpUrlText] = Field(default=[], max_length=8)
    aspect_ratio: AspectRatio = "1:1"
    resolution: Literal["1K", "2K", "4K"] = "1K"
    output_format: Literal["png", "jpg"] = "png"

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_input)

    def credits(self) -> float:
        return 24 if self.resolution == "4K" else 18

    def spec(self, source: SourceImage | None) -> MediaSpec:
        width, height = size_of(_NANO_BANANA_PRO_SIZES, self.aspect_ratio, source)
        scale = int(self.resolution.removesuffix("K"))
        return MediaSpec(format=self.output_format, width=width * scale, height=height * scale)


class Kling(KieInput):
    """What both ways of `kling-2.6` share."""

    prompt: str = Field(min_length=1, max_length=1000)
    sound: bool
    duration: Literal["5", "10"]

    def credits(self) -> float:
        return 11 * int(self.duration) * (2 if self.sound else 1)

    def _video(self, size: Size) -> MediaSpec:
        width, height = size
        return MediaSpec(
            format="mp4",
            width=width,
            height=height,
            duration_seconds=int(self.duration),
            frame_rate=_KLING_FRAME_RATE,
            sound=self.sound,
        )


class KlingTextToVideo(Kling):
    """`kling-2.6/text-to-video`."""

    aspect_ratio: Literal["1:1", "16:9", "9:16"] = "1:1"

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return self._video(size_of(_KLING_SIZES, self.aspect_ratio, source))


class KlingImageToVideo(Kling):
    """`kling-2.6/image-to-video`; the picture's own shape decides the video's."""

    image_urls: list[HttpUrlText] = Field(min_length=1, max_length=1)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return self._video(size_of(_KLING_SIZES, "auto", source))


_MODELS: dict[str, type[KieInput]] = {
    "google/nano-banana": NanoBanana,
    "google/nano-banana-edit": NanoBananaEdit,
    "nano-banana-pro": NanoBananaPro,
    "kling-2.6/text-to-video": KlingTextToVideo,
    "kling-2.6/image-to-video": KlingImageToVideo,
}
# Still listed for a while after 2026-06-11, but every create was refused in these words.
_PAUSED = frozenset({"sora-2-text-to-video"})


def read_input(model: str | None, fields: JsonObject) -> KieInput:
    """The validated input. Raises `KieError`: 500 for a missing or paused model, 422 for anything else."""
    if not model:
        raise KieError(500, "The model field is missing from the request body")
    if model in _PAUSED:
        raise KieError(500, f"The model {model} is temporarily paused")
    if model not in _MODELS:
        raise KieError(422, f"The model {model} is not supported; known are {', '.join(_MODELS)}")
    try:
        return _MODELS[model].model_validate(fields)
    except ValidationError as error:
        raise KieError(422, sentences(error, "input")) from None
