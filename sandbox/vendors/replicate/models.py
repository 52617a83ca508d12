"""Replicate's models in the sandbox: their inputs and the files that they deliver.

Field names are those of the models' pages, https://replicate.com/{model}/api. Unknown fields are refused: the sandbox
finds a misspelt field before a vendor bills for it.
"""

from abc import ABC, abstractmethod
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import Size, shape_of, with_short_side
from sandbox.task import JsonObject
from sandbox.validation import HttpUrlText, sentences
from sandbox.vendors.replicate.errors import ReplicateError

_FLUX_SIZES: dict[str, Size] = {
    "1:1": (1024, 1024),
    "16:9": (1344, 768),
    "21:9": (1536, 640),
    "3:2": (1216, 832),
    "2:3": (832, 1216),
    "4:5": (896, 1088),
    "5:4": (1088, 896),
    "3:4": (896, 1152),
    "4:3": (1152, 896),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
_RAY_FRAME_RATE = 24
_SHORT_RAY_SECONDS = 5
# The lower half of the table mirrors the upper one.
_SEEDANCE_SIZES: dict[str, dict[str, Size]] = {
    "480p": {"16:9": (864, 480), "4:3": (736, 544), "1:1": (640, 640), "21:9": (960, 416)},
    "720p": {"16:9": (1248, 704), "4:3": (1120, 832), "1:1": (960, 960), "21:9": (1504, 640)},
    "1080p": {"16:9": (1920, 1088), "4:3": (1664, 1248), "1:1": (1440, 1440), "21:9": (2176, 928)},
}


class ReplicateInput(BaseModel, ABC):
    """The `input` object of a create."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    prompt: str = Field(min_length=1)
    """The prompt."""
    seed: int | None = None
    """Accepted and ignored."""

    def image_sources(self) -> tuple[str, ...]:
        """The URLs of the pictures that the model fetches."""
        return ()

    @abstractmethod
    def spec(self, source: SourceImage | None) -> MediaSpec:
        """The file that Replicate delivers, given the first picture."""


class FluxSchnell(ReplicateInput):
    """`black-forest-labs/flux-schnell`, one picture at a time."""

    aspect_ratio: Literal["1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"] = "1:1"
    num_outputs: Literal[1] = 1
    num_inference_steps: int = Field(default=4, ge=1, le=4)
    output_format: Literal["jpg", "png"] = Field(description="the sandbox does not make webp, the vendor's default")
    output_quality: int = Field(default=80, ge=0, le=100)
    disable_safety_checker: bool = False
    go_fast: bool = True
    megapixels: Literal["1"] = "1"

    def spec(self, source: SourceImage | None) -> MediaSpec:  # noqa: ARG002 -- only from text
        width, height = _FLUX_SIZES[self.aspect_ratio]
        return MediaSpec(format=self.output_format, width=width, height=height)


class SeedancePro(ReplicateInput):
    """`bytedance/seedance-1-pro`, from text."""

    aspect_ratio: Literal["16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "9:21"] = "16:9"
    resolution: Literal["480p", "720p", "1080p"] = "1080p"
    duration: int = Field(default=5, ge=2, le=12)
    fps: Literal[24] = 24
    camera_fixed: bool = False

    def spec(self, source: SourceImage | None) -> MediaSpec:  # noqa: ARG002 -- only from text
        sizes = _SEEDANCE_SIZES[self.resolution]
        turned = ":".join(reversed(self.aspect_ratio.split(":")))
        width, height = sizes.get(self.aspect_ratio) or sizes[turned][::-1]
        return MediaSpec(format="mp4", width=width, height=height, duration_seconds=self.duration, frame_rate=self.fps)


class LumaRay(ReplicateInput):
    """`luma/ray-3.2`, without a seed. A first picture decides the shape; 10 seconds are only for text."""

    seed: None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "21:9"] = "16:9"
    resolution: Literal["540p", "720p", "1080p"] = "720p"
    duration: Literal[5, 10] = 5
    start_image: HttpUrlText | None = None
    end_image: HttpUrlText | None = None
    loop: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.duration != _SHORT_RAY_SECONDS and (self.start_image or self.end_image or self.loop):
            raise ValueError(f"duration should be {_SHORT_RAY_SECONDS} with pictures and for loops")
        return self

    def image_sources(self) -> tuple[str, ...]:
        return tuple(url for url in (self.start_image, self.end_image) if url)

    def spec(self, source: SourceImage | None) -> MediaSpec:
        shape = shape_of("auto" if source is not None else self.aspect_ratio, source)
        width, height = with_short_side(shape, int(self.resolution.removesuffix("p")))
        return MediaSpec(
            format="mp4", width=width, height=height, duration_seconds=self.duration, frame_rate=_RAY_FRAME_RATE
        )


_MODELS: dict[str, type[ReplicateInput]] = {
    "black-forest-labs/flux-schnell": FluxSchnell,
    "bytedance/seedance-1-pro": SeedancePro,
    "luma/ray-3.2": LumaRay,
}


def read_input(model: str, fields: JsonObject) -> ReplicateInput:
    """The validated input. Raises `ReplicateError`: 404 for an unknown model, 422 for a wrong input."""
    if model not in _MODELS:
        raise ReplicateError(404, "Not found", f"There is no model {model}; known are {', '.join(_MODELS)}")
    try:
        return _MODELS[model].model_validate(fields)
    except ValidationError as error:
        raise ReplicateError(422, "Input validation failed", sentences(error, "input")) from None
