"""The newer video models of Kie Market. Source: https://docs.kie.ai/market, the page of each model."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import shape_of, with_short_side
from sandbox.validation import HttpUrlText
from sandbox.vendors.kie.inputs import KieInput

_FRAME_RATE = 24
_SHORT_SIDES = {"360p": 360, "480p": 480, "540p": 540, "720p": 720, "768p": 768, "1080p": 1080, "2k": 1440, "4k": 2160}
_MIB = 1024**2
_Ratio = Literal["16:9", "9:16", "1:1", "4:3", "3:4"]
_WideRatio = Literal[_Ratio, "21:9"]


def _clip(resolution: str, ratio: str, source: SourceImage | None, seconds: int, *, sound: bool) -> MediaSpec:
    width, height = with_short_side(shape_of(ratio, source), _SHORT_SIDES[resolution.lower()])
    return MediaSpec(
        format="mp4", width=width, height=height, duration_seconds=seconds, frame_rate=_FRAME_RATE, sound=sound
    )


class _PerSecond(KieInput):
    """A model that bills each second by its resolution."""

    prices: ClassVar[Mapping[str, float]]
    resolution: str
    duration: int

    def credits(self) -> float:
        return self.prices[self.resolution] * self.duration


class _Frames(_PerSecond):
    """A model with a first and a last frame, or with references, never with both."""

    first_frame_url: HttpUrlText | None = None
    last_frame_url: HttpUrlText | None = None
    reference_image_urls: list[HttpUrlText] = Field(default=[])
    reference_video_urls: list[HttpUrlText] = Field(default=[])
    reference_audio_urls: list[HttpUrlText] = Field(default=[])

    @model_validator(mode="after")
    def _one_mode(self) -> Self:
        references = self.reference_image_urls or self.reference_video_urls or self.reference_audio_urls
        if references and (self.first_frame_url or self.last_frame_url):
            raise ValueError("frames and references cannot be used together")
        if self.last_frame_url and not self.first_frame_url:
            raise ValueError("last_frame_url needs first_frame_url")
        return self

    def image_sources(self) -> tuple[str, ...]:
        return tuple(url for url in (self.first_frame_url, self.last_frame_url) if url)


class _Seedance(_Frames):
    max_image_bytes: ClassVar[int] = 30 * _MIB
    prompt: str = Field(min_length=3, max_length=20_000)
    return_last_frame: bool = False
    generate_audio: bool = True
    resolution: Literal["480p", "720p", "1080p", "4k"] = "720p"
    aspect_ratio: Literal[_WideRatio, "adaptive"] = "16:9"
    duration: int = Field(default=5, ge=4, le=15)
    web_search: bool = False
    nsfw_checker: bool = False

    @model_validator(mode="after")
    def _has_a_price(self) -> Self:
        if self.resolution not in self.prices:
            raise ValueError(f"resolution should be one of {', '.join(self.prices)}")
        return self

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(self.resolution, self.aspect_ratio, source, self.duration, sound=self.generate_audio)


class Seedance2(_Seedance):
    """`bytedance/seedance-2`."""

    prices: ClassVar[Mapping[str, float]] = {"480p": 19, "720p": 41, "1080p": 102, "4k": 208}


class Seedance2Fast(_Seedance):
    """`bytedance/seedance-2-fast`."""

    prices: ClassVar[Mapping[str, float]] = {"480p": 11.7, "720p": 24.8}


class Seedance2Mini(_Seedance):
    """`bytedance/seedance-2-mini`."""

    prices: ClassVar[Mapping[str, float]] = {"480p": 3.8, "720p": 8.2}


class Seedance25(_Seedance):
    """`bytedance/seedance-2-5`."""

    prices: ClassVar[Mapping[str, float]] = {"480p": 28, "720p": 63, "1080p": 158}
    prompt: str = Field(min_length=3, max_length=30_000)
    duration: int = Field(default=5, ge=4, le=30)


class _Minimax(_Frames):
    prices: ClassVar[Mapping[str, float]] = {"768P": 8, "2K": 13}
    prompt: str = Field(min_length=1, max_length=7000)
    resolution: Literal["768P", "2K"] = "2K"
    duration: int = Field(default=6, ge=4, le=15)


class MinimaxText(_Minimax):
    """`minimax-h3/text-to-video`."""

    first_frame_url: None = None
    last_frame_url: None = None
    aspect_ratio: _WideRatio = "16:9"

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(self.resolution, self.aspect_ratio, source, self.duration, sound=True)


class MinimaxImage(_Minimax):
    """`minimax-h3/image-to-video`; the video takes the shape of the picture."""

    max_image_bytes: ClassVar[int] = 30 * _MIB
    first_frame_url: HttpUrlText

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(self.resolution, "adaptive", source, self.duration, sound=True)


class Wan3(_Frames):
    """`wan/3-0-video`. The sandbox refuses "smart" lengths, whose price it cannot know."""

    prices: ClassVar[Mapping[str, float]] = {"480P": 8, "720P": 16, "1080P": 32}
    max_image_bytes: ClassVar[int] = 20 * _MIB
    prompt: str = Field(min_length=1, max_length=20_000)
    resolution: Literal["480P", "720P", "1080P"] = "1080P"
    aspect_ratio: Literal[_Ratio, "adaptive"] = "adaptive"
    duration: int = Field(default=5, ge=2, le=30)
    audio: bool = True
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)
    nsfw_checker: bool = False

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(self.resolution, self.aspect_ratio, source, self.duration, sound=self.audio)


class Wan3Prime(Wan3):
    """`wan/3-0-video-prime`."""

    prices: ClassVar[Mapping[str, float]] = {"480P": 12.2, "720P": 25.2, "1080P": 50.4}


class _HappyHorse(_PerSecond):
    prices: ClassVar[Mapping[str, float]] = {"720p": 22.5, "1080p": 29}
    max_image_bytes: ClassVar[int] = 20 * _MIB
    prompt: str = Field(min_length=1, max_length=5000)
    resolution: Literal["720p", "1080p"] = "1080p"
    duration: int = Field(default=5, ge=3, le=15)
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)


class HappyHorseText(_HappyHorse):
    """`happyhorse-1-1/text-to-video`."""

    aspect_ratio: _WideRatio = "16:9"

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(self.resolution, self.aspect_ratio, source, self.duration, sound=True)


class HappyHorseImage(_HappyHorse):
    """`happyhorse-1-1/image-to-video`; the video takes the shape of the picture."""

    image_urls: list[HttpUrlText] = Field(min_length=1, max_length=1)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(self.resolution, "adaptive", source, self.duration, sound=True)


class HappyHorseReference(HappyHorseText):
    """`happyhorse-1-1/reference-to-video`."""

    reference_image: list[HttpUrlText] = Field(min_length=1, max_length=9)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.reference_image)


class GrokImagine(_PerSecond):
    """`grok-imagine-video-1-5-preview`, always with sound. A single picture decides the shape."""

    prices: ClassVar[Mapping[str, float]] = {"480p": 2.4, "720p": 4.5, "1080p": 8}
    max_image_bytes: ClassVar[int] = 20 * _MIB
    prompt: str = Field(default="", max_length=4096)
    image_urls: list[HttpUrlText] = Field(default=[], max_length=7)
    aspect_ratio: Literal["16:9", "9:16", "1:1", "3:2", "2:3", "auto"] = "auto"
    resolution: Literal["480p", "720p", "1080p"] = "480p"
    duration: int = Field(default=8, ge=1, le=15)
    nsfw_checker: bool = False

    @model_validator(mode="after")
    def _one_picture_in_1080p(self) -> Self:
        if self.resolution == "1080p" and len(self.image_urls) > 1:
            raise ValueError("image_urls takes one picture when the resolution is 1080p")
        return self

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)

    def spec(self, source: SourceImage | None) -> MediaSpec:
        ratio = "auto" if len(self.image_urls) == 1 else self.aspect_ratio
        return _clip(self.resolution, ratio, source, self.duration, sound=True)


class _Pixverse(KieInput):
    silent: ClassVar[Mapping[str, float]] = {"360p": 4.5, "540p": 5.6, "720p": 7.2, "1080p": 16.2}
    sounding: ClassVar[Mapping[str, float]] = {"360p": 5.6, "540p": 7.2, "720p": 9.6, "1080p": 18.4}
    prompt: str = Field(min_length=1, max_length=5000)
    quality: Literal["360p", "540p", "720p", "1080p"]
    duration: int = Field(ge=1, le=15)
    generate_audio_switch: bool = False
    generate_multi_clip_switch: bool = False
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)

    def credits(self) -> float:
        return (self.sounding if self.generate_audio_switch else self.silent)[self.quality] * self.duration


class PixverseText(_Pixverse):
    """`pixverse-v6/text-to-video`."""

    aspect_ratio: Literal[_WideRatio, "3:2", "2:3"]

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(self.quality, self.aspect_ratio, source, self.duration, sound=self.generate_audio_switch)


class PixverseImage(_Pixverse):
    """`pixverse-v6/image-to-video`; the video takes the shape of the picture."""

    max_image_bytes: ClassVar[int] = 20 * _MIB
    image_urls: list[HttpUrlText] = Field(min_length=1, max_length=1)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(self.quality, "auto", source, self.duration, sound=self.generate_audio_switch)


_TurboSeconds = Literal["3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"]


class _KlingTurbo(KieInput):
    prompt: str = Field(min_length=1, max_length=2500)
    duration: _TurboSeconds = "5"
    resolution: Literal["720p", "1080p"] = "720p"

    def credits(self) -> float:
        return {"720p": 18, "1080p": 22.5}[self.resolution] * int(self.duration)


class KlingTurboText(_KlingTurbo):
    """`kling/v3-turbo-text-to-video`."""

    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(self.resolution, self.aspect_ratio, source, int(self.duration), sound=False)


class KlingTurboImage(_KlingTurbo):
    """`kling/v3-turbo-image-to-video`; the video takes the shape of the picture."""

    image_urls: list[HttpUrlText] = Field(min_length=1, max_length=1)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(self.resolution, "auto", source, int(self.duration), sound=False)


class _OmniShot(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    prompt: str = Field(min_length=1, max_length=512)
    duration: int = Field(ge=1, le=15)


class _KlingOmni(KieInput):
    """Kling 3.0 Omni. Several cuts of the customer's are the default, and need `multi_prompt`."""

    prompt: str = Field(default="", max_length=3072)
    duration: int = Field(default=5, ge=3, le=15)
    resolution: Literal["720p", "1080p", "4k"] = "720p"
    audio: bool = False
    customize_multi_shots: bool = True
    prefer_multi_shots: bool = False
    multi_prompt: list[_OmniShot] = Field(default=[], max_length=6)

    @model_validator(mode="after")
    def _shots(self) -> Self:
        if self.customize_multi_shots and self.prefer_multi_shots:
            raise ValueError("customize_multi_shots and prefer_multi_shots exclude each other")
        if self.customize_multi_shots != bool(self.multi_prompt):
            raise ValueError("multi_prompt is needed with customize_multi_shots, and only then")
        if not (self.prompt or self.customize_multi_shots):
            raise ValueError("prompt is needed without customize_multi_shots")
        return self

    def credits(self) -> float:
        silent, sounding = {"720p": (14, 20), "1080p": (18, 27), "4k": (67, 67)}[self.resolution]
        return self.duration * (sounding if self.audio else silent)


class KlingOmniText(_KlingOmni):
    """`kling-3.0-omni/text-to-video`."""

    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(self.resolution, self.aspect_ratio, source, self.duration, sound=self.audio)


class KlingOmniImage(_KlingOmni):
    """`kling-3.0-omni/image-to-video`: a first and a last picture. The video takes the shape of the first."""

    max_image_bytes: ClassVar[int] = 50 * _MIB
    image_urls: list[HttpUrlText] = Field(min_length=1, max_length=2)
    aspect_ratio: Literal["auto"]

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(self.resolution, "auto", source, self.duration, sound=self.audio)
