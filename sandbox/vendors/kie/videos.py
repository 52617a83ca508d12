"""The video models of Kie Market."""

from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import Size, size_of
from sandbox.validation import HttpUrlText
from sandbox.vendors.kie.inputs import KieInput

_KLING_SIZES: dict[str, Size] = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960)}
_FRAME_RATE = 24
# https://docs.kie.ai/market/kling/kling-3.0
_KLING_3_SIZES: dict[str, Size] = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (720, 720)}
_KLING_3_SCALES = {"std": 1.0, "pro": 1.5, "4K": 3.0}
_OMNI_SIZES: dict[str, Size] = {"16:9": (1280, 720), "9:16": (720, 1280)}
_OMNI_SCALES = {"720p": 1.0, "1080p": 1.5, "4k": 3.0}
_OMNI_SLOTS = 7
_SLOTS_OF_A_VIDEO = 2
_LONGEST_CUT_SECONDS = 10


def _clip(size: Size, seconds: float, *, sound: bool, scale: float = 1) -> MediaSpec:
    width, height = size
    return MediaSpec(
        format="mp4",
        width=round(width * scale),
        height=round(height * scale),
        duration_seconds=seconds,
        frame_rate=_FRAME_RATE,
        sound=sound,
    )


class Kling(KieInput):
    """The fields that both variants of `kling-2.6` share."""

    prompt: str = Field(min_length=1, max_length=1000)
    sound: bool
    duration: Literal["5", "10"]

    def credits(self) -> float:
        return 11 * int(self.duration) * (2 if self.sound else 1)


class KlingTextToVideo(Kling):
    """`kling-2.6/text-to-video`."""

    aspect_ratio: Literal["1:1", "16:9", "9:16"] = "1:1"

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(size_of(_KLING_SIZES, self.aspect_ratio, source), int(self.duration), sound=self.sound)


class KlingImageToVideo(Kling):
    """`kling-2.6/image-to-video`; the video takes the shape of the picture."""

    image_urls: list[HttpUrlText] = Field(min_length=1, max_length=1)

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)

    def spec(self, source: SourceImage | None) -> MediaSpec:
        return _clip(size_of(_KLING_SIZES, "auto", source), int(self.duration), sound=self.sound)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Shot(_Part):
    """A shot in a video of Kling 3.0 with several shots."""

    prompt: str = Field(min_length=1, max_length=500)
    duration: int = Field(ge=1, le=12)


class Element(_Part):
    """An element of Kling 3.0. A prompt names it as `@name`."""

    name: str
    description: str
    element_input_urls: list[HttpUrlText] = Field(min_length=1, max_length=4)
    element_input_audio_urls: list[HttpUrlText] = Field(default=[], max_length=1)
    start_time: int = 0
    end_time: int = 8000


class Kling3(KieInput):
    """`kling-3.0/video`: from text, or from a first and a last picture. The first picture decides the shape."""

    sound: bool
    duration: Literal["3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"]
    mode: Literal["std", "pro", "4K"]
    multi_shots: bool
    multi_prompt: list[Shot] = Field(default=[], max_length=5)
    kling_elements: list[Element] = Field(default=[], max_length=3)
    image_urls: list[HttpUrlText] = Field(default=[], max_length=2)
    aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.multi_shots and not self.multi_prompt:
            raise ValueError("multi_prompt is needed when multi_shots is true")
        if self.multi_shots and len(self.image_urls) > 1:
            raise ValueError("image_urls takes the first frame only when multi_shots is true")
        if not (self.prompt or self.multi_shots):
            raise ValueError("prompt is needed when multi_shots is false")
        if not (self.image_urls or self.aspect_ratio):
            raise ValueError("aspect_ratio is needed without image_urls")
        return self

    def image_sources(self) -> tuple[str, ...]:
        return tuple(self.image_urls)

    def credits(self) -> float:
        silent, sounding = {"std": (14, 20), "pro": (18, 27), "4K": (67, 67)}[self.mode]
        return int(self.duration) * (sounding if self.sound else silent)

    def spec(self, source: SourceImage | None) -> MediaSpec:
        ratio = "auto" if source is not None or self.aspect_ratio is None else self.aspect_ratio
        size = size_of(_KLING_3_SIZES, ratio, source)
        return _clip(size, int(self.duration), sound=self.sound, scale=_KLING_3_SCALES[self.mode])


class Cut(_Part):
    """A part of an input video, in seconds."""

    url: HttpUrlText
    start: float = Field(ge=0, strict=False)
    ends: float = Field(ge=0, strict=False)

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if not 0 < self.ends - self.start <= _LONGEST_CUT_SECONDS:
            raise ValueError(f"ends should be after start, by {_LONGEST_CUT_SECONDS} seconds at most")
        return self


class GeminiOmni(KieInput):
    """`gemini-omni-video`. With an input video the model chooses the length; the sandbox takes the cut's length."""

    max_image_bytes: ClassVar[int] = 100 * 1024**2
    prompt: str = Field(min_length=1, max_length=20_000)
    image_urls: list[HttpUrlText] = Field(default=[], max_length=7)
    audio_ids: list[str] = Field(default=[], max_length=3)
    character_ids: list[str] = Field(default=[], max_length=7)
    video_list: list[Cut] = Field(default=[], max_length=1)
    duration: Literal["4", "6", "8", "10"]
    aspect_ratio: Literal["16:9", "9:16"] = "16:9"
    resolution: Literal["720p", "1080p", "4k"] = "720p"
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        slots = len(self.image_urls) + _SLOTS_OF_A_VIDEO * len(self.video_list) + len(self.character_ids)
        if slots > _OMNI_SLOTS:
            raise ValueError(f"images, videos (counted twice) and characters are {slots}, more than {_OMNI_SLOTS}")
        return self

    def image_sources(self) -> tuple[str, ...]:
        return (*(cut.url for cut in self.video_list), *self.image_urls)

    def credits(self) -> float:
        if self.video_list:
            return 360 if self.resolution == "4k" else 240
        return (150 if self.resolution == "4k" else 30) + 15 * int(self.duration)

    def spec(self, source: SourceImage | None) -> MediaSpec:
        size = size_of(_OMNI_SIZES, self.aspect_ratio, source)
        seconds = sum(cut.ends - cut.start for cut in self.video_list) or int(self.duration)
        return _clip(size, seconds, sound=True, scale=_OMNI_SCALES[self.resolution])
