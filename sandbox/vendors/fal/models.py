"""fal's models in the sandbox: their inputs and the files that they deliver.

Field names and limits are those of https://fal.ai/models/{model}/api. Unknown fields are refused: the sandbox finds a
misspelt field before a vendor bills for it.
"""

from abc import ABC, abstractmethod
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import Size, shape_of, size_of, with_short_side
from sandbox.task import JsonObject
from sandbox.validation import HttpUrlText
from sandbox.vendors.fal.errors import FalError

_PIKA_SIZES: dict[str, Size] = {
    "16:9": (1280, 720),
    "9:16": (720, 1280),
    "1:1": (960, 960),
    "4:5": (864, 1080),
    "5:4": (1080, 864),
    "3:2": (1176, 784),
    "2:3": (784, 1176),
}
_PIKA_SCALES = {"720p": 1.0, "1080p": 1.5}
_FRAME_RATE = 24
_LONGCAT_SIZES: dict[str, Size] = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960)}
_STABLE_VIDEO_FRAMES = 25


class FalInput(BaseModel, ABC):
    """The body of a create."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    seed: int | None = None
    """Accepted and ignored."""

    def image_sources(self) -> tuple[str, ...]:
        """The URLs of the pictures that the model fetches."""
        return ()

    @abstractmethod
    def spec(self, source: SourceImage | None) -> MediaSpec:
        """The file that the model delivers, given the picture."""


def _sized(ratio: str, source: SourceImage | None, *, short: int, seconds: float, sound: bool) -> MediaSpec:
    width, height = with_short_side(shape_of(ratio, source), short)
    return MediaSpec(
        format="mp4", width=width, height=height, duration_seconds=seconds, frame_rate=_FRAME_RATE, sound=sound
    )


class _Pika(FalInput, ABC):
    prompt: str = Field(min_length=1)
    negative_prompt: str = ""
    duration: Literal["5", "10"] = "5"
    resolution: Literal["720p", "1080p"] = "720p"

    def _video(self, ratio: str, source: SourceImage | None) -> MediaSpec:
        width, height = size_of(_PIKA_SIZES, ratio, source)
        scale = _PIKA_SCALES[self.resolution]
        return MediaSpec(
            format="mp4",
            width=round(width * scale),
            height=round(height * scale),
            duration_seconds=int(self.duration),
            frame_rate=_FRAME_RATE,
        )


class PikaText(_Pika):
    """`fal-ai/pika/v2.2/text-to-video`."""

    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:5", "5:4", "3:2", "2:3"] = "16:9"

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return self._video(self.aspect_ratio, source)


class PikaImage(_Pika):
    """`fal-ai/pika/v2.2/image-to-video`; the video takes the shape of the picture."""

    image_url: HttpUrlText

    def image_sources(self) -> tuple[str, ...]:
        return (self.image_url,)

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return self._video("auto", source)


class LongCat(FalInput):
    """`fal-ai/longcat-video/text-to-video/720p`. The number of frames decides the length."""

    prompt: str = Field(min_length=1)
    negative_prompt: str = ""
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    num_frames: int = Field(default=162, ge=17, le=961)
    fps: int = Field(default=30, ge=1, le=60)
    num_inference_steps: int = 40
    num_refine_inference_steps: int = 40
    guidance_scale: float = 4
    acceleration: Literal["none", "regular"] = "regular"
    enable_safety_checker: bool = True
    video_output_type: str = "X264 (.mp4)"
    video_quality: Literal["low", "medium", "high", "maximum"] = "high"

    def spec(self, source: SourceImage | None) -> MediaSpec:
        width, height = size_of(_LONGCAT_SIZES, self.aspect_ratio, source)
        seconds = self.num_frames / self.fps
        return MediaSpec(format="mp4", width=width, height=height, duration_seconds=seconds, frame_rate=self.fps)


class StableVideo(FalInput):
    """`fal-ai/stable-video` takes a picture without a prompt and always makes the same number of frames."""

    image_url: HttpUrlText
    motion_bucket_id: int = Field(default=127, ge=1, le=255)
    cond_aug: float = Field(default=0.02, ge=0, le=10)
    fps: int = Field(default=25, ge=10, le=100)

    def image_sources(self) -> tuple[str, ...]:
        return (self.image_url,)

    def spec(self, source: SourceImage | None) -> MediaSpec:  # noqa: ARG002 -- one size for every picture
        seconds = _STABLE_VIDEO_FRAMES / self.fps
        return MediaSpec(format="mp4", width=1024, height=576, duration_seconds=seconds, frame_rate=self.fps)


class _Minimax(FalInput):
    prompt: str = Field(min_length=1, max_length=5000)
    resolution: Literal["480P", "768P"] = "768P"
    duration: int = Field(default=5, ge=5, le=15)
    prompt_expansion_mode: Literal["disabled", "fast", "balanced", "quality"]

    def _video(self, ratio: str, source: SourceImage | None) -> MediaSpec:
        return _sized(ratio, source, short=int(self.resolution.removesuffix("P")), seconds=self.duration, sound=True)


class MinimaxText(_Minimax):
    """`minimax/h3-max/text-to-video`."""

    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "21:9"] = "16:9"

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return self._video(self.aspect_ratio, source)


class MinimaxImage(_Minimax):
    """`minimax/h3-max/image-to-video`; the video takes the shape of the picture."""

    image_url: HttpUrlText

    def image_sources(self) -> tuple[str, ...]:
        return (self.image_url,)

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return self._video("auto", source)


class Flux3Text(FalInput):
    """`blackforestlabs/flux-3/text-to-video`."""

    prompt: str = Field(min_length=1)
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "2:1", "21:9"] = "16:9"
    resolution: Literal["720p", "1080p"] = "720p"
    duration: int = Field(default=5, ge=5, le=20)
    generate_audio: bool = True

    def spec(self, source: SourceImage | None) -> MediaSpec:
        short = int(self.resolution.removesuffix("p"))
        return _sized(self.aspect_ratio, source, short=short, seconds=self.duration, sound=self.generate_audio)


class Flux3Image(Flux3Text):
    """`blackforestlabs/flux-3/image-to-video`."""

    image_url: HttpUrlText

    def image_sources(self) -> tuple[str, ...]:
        return (self.image_url,)


_MODELS: dict[str, type[FalInput]] = {
    "fal-ai/pika/v2.2/text-to-video": PikaText,
    "fal-ai/pika/v2.2/image-to-video": PikaImage,
    "fal-ai/longcat-video/text-to-video/720p": LongCat,
    "fal-ai/stable-video": StableVideo,
    "minimax/h3-max/text-to-video": MinimaxText,
    "minimax/h3-max/image-to-video": MinimaxImage,
    "blackforestlabs/flux-3/text-to-video": Flux3Text,
    "blackforestlabs/flux-3/image-to-video": Flux3Image,
}


def read_input(model: str, fields: JsonObject) -> FalInput:
    """The validated input. Raises `FalError`: 404 for an unknown model, 422 for a wrong input.

    fal validates an input when the model runs. The sandbox refuses the create, with the same error.
    """
    if model not in _MODELS:
        raise FalError(404, f"Application '{model}' not found; known are {', '.join(_MODELS)}")
    try:
        return _MODELS[model].model_validate(fields)
    except ValidationError as error:
        problems: list[JsonValue] = [
            {"loc": ["body", *problem["loc"]], "msg": problem["msg"], "type": problem["type"]}
            for problem in error.errors()
        ]
        raise FalError(422, problems) from None


def prompt_of(body: JsonObject) -> str:
    """The prompt for scenarios and counts, even of an invalid body. Without a prompt, the picture's URL."""
    texts = (body.get("prompt"), body.get("image_url"))
    return next((text for text in texts if isinstance(text, str)), "")
