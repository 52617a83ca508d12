"""The newer image models of Kie Market. Source: https://docs.kie.ai/market, the page of each model."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import shape_of, with_area_of
from sandbox.validation import HttpUrlText
from sandbox.vendors.kie.images import WideAspectRatio
from sandbox.vendors.kie.inputs import KieInput

_MIB = 1024**2
_SIDES = {"1K": 1024, "2K": 2048, "3K": 3072, "4K": 4096}
_Ratio = Literal["1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3"]


def _picture(resolution: str, ratio: str, source: SourceImage | None, kind: str = "png") -> MediaSpec:
    width, height = with_area_of(shape_of(ratio, source), _SIDES[resolution])
    return MediaSpec(format="png" if kind == "png" else "jpg", width=width, height=height)


class _Seedream(KieInput):
    qualities: ClassVar[Mapping[str, str]]
    prices: ClassVar[Mapping[str, float]]
    per_image: ClassVar[float] = 0
    aspect_ratio: str
    quality: str
    output_format: Literal["png", "jpeg"] = "png"
    nsfw_checker: bool = False

    def credits(self) -> float:
        return self.prices[self.quality] + self.per_image * len(self.image_sources())

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _picture(self.qualities[self.quality], self.aspect_ratio, source, self.output_format)


class Seedream5Pro(_Seedream):
    """`seedream/5-pro-text-to-image`."""

    qualities: ClassVar[Mapping[str, str]] = {"basic": "1K", "high": "2K"}
    prices: ClassVar[Mapping[str, float]] = {"basic": 7, "high": 14}
    per_image: ClassVar[float] = 0.5
    prompt: str = Field(min_length=3, max_length=5000)
    aspect_ratio: Literal[_Ratio, "21:9"]
    quality: Literal["basic", "high"]


class Seedream5ProEdit(Seedream5Pro):
    """`seedream/5-pro-image-to-image`."""

    max_image_bytes: ClassVar[int] = 30 * _MIB
    image_urls: list[HttpUrlText] = Field(min_length=1, max_length=10)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)


class Seedream5Lite(_Seedream):
    """`seedream/5-lite-text-to-image`."""

    qualities: ClassVar[Mapping[str, str]] = {"basic": "2K", "high": "3K", "ultra": "4K"}
    prices: ClassVar[Mapping[str, float]] = {"basic": 5.5, "high": 5.5, "ultra": 5.5}
    prompt: str = Field(min_length=3, max_length=3000)
    aspect_ratio: Literal[_Ratio, "21:9"]
    quality: Literal["basic", "high", "ultra"]


class Seedream5LiteEdit(Seedream5Lite):
    """`seedream/5-lite-image-to-image`."""

    max_image_bytes: ClassVar[int] = 30 * _MIB
    image_urls: list[HttpUrlText] = Field(min_length=1, max_length=14)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)


class _Flux2(KieInput):
    prices: ClassVar[Mapping[str, float]]
    prompt: str = Field(min_length=3, max_length=5000)
    aspect_ratio: Literal[_Ratio, "auto"]
    resolution: Literal["1K", "2K"]
    nsfw_checker: bool = False

    def credits(self) -> float:
        return self.prices[self.resolution]

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _picture(self.resolution, self.aspect_ratio, source)


class Flux2Pro(_Flux2):
    """`flux-2/pro-text-to-image`."""

    prices: ClassVar[Mapping[str, float]] = {"1K": 5, "2K": 7}


class Flux2Flex(_Flux2):
    """`flux-2/flex-text-to-image`."""

    prices: ClassVar[Mapping[str, float]] = {"1K": 14, "2K": 24}


class Flux2ProEdit(Flux2Pro):
    """`flux-2/pro-image-to-image`."""

    input_urls: list[HttpUrlText] = Field(min_length=1, max_length=8)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.input_urls)


class Flux2FlexEdit(Flux2Flex):
    """`flux-2/flex-image-to-image`."""

    input_urls: list[HttpUrlText] = Field(min_length=1, max_length=8)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.input_urls)


class Qwen3(KieInput):
    """`qwen3/text-to-image`."""

    prices: ClassVar[Mapping[str, float]] = {"1K": 4.8, "2K": 4.8}
    prompt: str = Field(min_length=1, max_length=5000)
    image_size: Literal[_Ratio, "21:9"] = "16:9"
    resolution: Literal["1K", "2K"] = "1K"
    output_format: Literal["png", "jpeg"] = "png"
    prompt_extend: bool = True
    negative_prompt: str = ""
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)
    nsfw_checker: bool = False

    def credits(self) -> float:
        return self.prices[self.resolution] + 0.5 * len(self.image_sources())

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _picture(self.resolution, self.image_size, source, self.output_format)


class Qwen3Edit(Qwen3):
    """`qwen3/image-to-image`."""

    image_urls: list[HttpUrlText] = Field(min_length=1, max_length=3)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)


class Qwen3Pro(Qwen3):
    """`qwen3/pro-text-to-image`."""

    prices: ClassVar[Mapping[str, float]] = {"1K": 6.4, "2K": 12}


class Qwen3ProEdit(Qwen3Edit):
    """`qwen3/pro-image-to-image`."""

    prices: ClassVar[Mapping[str, float]] = {"1K": 6.4, "2K": 12}


_GptRatio = Literal["auto", _Ratio, "21:9"]


class _GptImage(KieInput):
    only_1k: ClassVar[frozenset[str]] = frozenset({"auto"})
    prompt: str = Field(min_length=1, max_length=20_000)
    aspect_ratio: str = "auto"
    resolution: Literal["1K", "2K", "4K"] = "1K"

    @model_validator(mode="after")
    def _has_a_size(self) -> Self:
        if self.resolution != "1K" and self.aspect_ratio in self.only_1k:
            raise ValueError(f"resolution should be 1K with the aspect ratio {self.aspect_ratio}")
        return self

    def credits(self) -> float:
        return {"1K": 6, "2K": 10, "4K": 16}[self.resolution]

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _picture(self.resolution, self.aspect_ratio, source)


class GptImage2(_GptImage):
    """`gpt-image-2-text-to-image`. There is no square in 4K."""

    aspect_ratio: Literal[_GptRatio, "5:4", "4:5", "2:1", "1:2", "3:1", "1:3", "9:21"] = "auto"

    @model_validator(mode="after")
    def _no_square_in_4k(self) -> Self:
        if self.resolution == "4K" and self.aspect_ratio == "1:1":
            raise ValueError("resolution should be 1K or 2K with the aspect ratio 1:1")
        return self


class GptImage2Edit(GptImage2):
    """`gpt-image-2-image-to-image`."""

    max_image_bytes: ClassVar[int] = 30 * _MIB
    input_urls: list[HttpUrlText] = Field(min_length=1, max_length=16)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.input_urls)


class GptImage25(_GptImage):
    """`gpt-image-2-5-flare-text-to-image`, and the same of `sunburst`."""

    only_1k: ClassVar[frozenset[str]] = frozenset({"27:16", "16:27", "9:8", "8:9"})
    aspect_ratio: Literal[_GptRatio, "27:16", "16:27", "9:8", "8:9"] = "auto"
    background: Literal["opaque", "transparent"] = "opaque"


class GptImage25Edit(GptImage25):
    """`gpt-image-2-5-flare-image-to-image`, and the same of `sunburst`."""

    max_image_bytes: ClassVar[int] = 30 * _MIB
    input_urls: list[HttpUrlText] = Field(min_length=1, max_length=16)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.input_urls)


class GrokImagineImage(KieInput):
    """`grok-imagine-image-2-0/text-to-image`."""

    prompt: str = Field(min_length=1)
    aspect_ratio: Literal["1:1", "2:3", "3:2", "16:9", "9:16"] = "1:1"
    nsfw_checker: bool = False

    def credits(self) -> float:
        return 4

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _picture("1K", self.aspect_ratio, source)


class GrokImagineEdit(KieInput):
    """`grok-imagine-image-2-0/image-edit`. Kie's page of it is called `image-to-image`."""

    prompt: str = Field(min_length=1)
    image_urls: list[HttpUrlText] = Field(min_length=1, max_length=5)
    aspect_ratio: Literal["1:1", "2:3", "3:2", "16:9", "9:16", "auto"]
    nsfw_checker: bool = False

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)

    def credits(self) -> float:
        return 4

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _picture("1K", self.aspect_ratio, source)


class NanoBanana21(KieInput):
    """`nano-banana-2-1`."""

    max_image_bytes: ClassVar[int] = 30 * _MIB
    prompt: str = Field(min_length=1, max_length=20_000)
    image_input: list[HttpUrlText] = Field(default=[], max_length=14)
    aspect_ratio: WideAspectRatio = "auto"
    resolution: Literal["1K", "2K", "4K"] = "1K"
    output_format: Literal["jpg", "png"] = "png"

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_input)

    def credits(self) -> float:
        return {"1K": 4, "2K": 6, "4K": 9}[self.resolution]

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _picture(self.resolution, self.aspect_ratio, source, self.output_format)
