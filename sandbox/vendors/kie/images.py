"""The image models of Kie Market."""

from typing import ClassVar, Literal

from pydantic import Field

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import Size, size_of
from sandbox.validation import HttpUrlText
from sandbox.vendors.kie.inputs import KieInput

AspectRatio = Literal["1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto"]
WideAspectRatio = Literal[AspectRatio, "1:4", "4:1", "1:8", "8:1"]

# Output sizes of the underlying models: Gemini 2.5 Flash Image, Gemini 3 Pro Image and Gemini 3.1 Flash Image (at 1K).
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
_NANO_BANANA_2_SIZES: dict[str, Size] = {
    **_NANO_BANANA_PRO_SIZES,
    "1:4": (512, 2048),
    "4:1": (2048, 512),
    "1:8": (384, 3072),
    "8:1": (3072, 384),
}


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


class NanoBanana2(KieInput):
    """`nano-banana-2`."""

    max_image_bytes: ClassVar[int] = 30 * 1024**2
    prompt: str = Field(min_length=1, max_length=20_000)
    image_input: list[HttpUrlText] = Field(default=[], max_length=14)
    aspect_ratio: WideAspectRatio = "auto"
    resolution: Literal["1K", "2K", "4K"] = "1K"
    output_format: Literal["jpg", "png"] = "jpg"

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_input)

    def credits(self) -> float:
        return {"1K": 8, "2K": 12, "4K": 18}[self.resolution]

    def spec(self, source: SourceImage | None) -> MediaSpec:
        width, height = size_of(_NANO_BANANA_2_SIZES, self.aspect_ratio, source)
        scale = int(self.resolution.removesuffix("K"))
        return MediaSpec(format=self.output_format, width=width * scale, height=height * scale)


class NanoBanana2Lite(KieInput):
    """`nano-banana-2-lite`; Kie chooses the format."""

    prompt: str = Field(min_length=1, max_length=20_000)
    image_urls: list[HttpUrlText] = Field(default=[], max_length=10)
    aspect_ratio: WideAspectRatio = "auto"

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)

    def credits(self) -> float:
        return 4

    def spec(self, source: SourceImage | None) -> MediaSpec:
        width, height = size_of(_NANO_BANANA_2_SIZES, self.aspect_ratio, source)
        return MediaSpec(format="png", width=width, height=height)
