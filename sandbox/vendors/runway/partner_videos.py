"""Runway in the sandbox: the creates of other makers' video models.

Field names, values and limits are those of Runway's own client, https://github.com/runwayml/sdk-python (5.24.0).
"""

from collections.abc import Mapping
from math import ceil
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, PrivateAttr

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import Size, shape_of, with_short_side
from sandbox.vendors.runway.creates import FromFrames, Part, RunwayCreate, clip
from sandbox.vendors.runway.inputs import InputUri

_SHORT_SIDES = {"480p": 480, "720p": 720, "768p": 768, "1080p": 1080, "2k": 1440, "4k": 2160}


class _Clip(RunwayCreate):
    """A video, billed by its seconds and resolution. "auto" and "adaptive" take the shape of the first picture."""

    prices: ClassVar[Mapping[str, float]]
    per_picture: ClassVar[int] = 0
    duration: int
    _picture: SourceImage | None = PrivateAttr(default=None)

    def take_picture(self, picture: SourceImage | None) -> None:
        self._picture = picture

    @property
    def credits(self) -> int:
        pictures = self.per_picture * len(self.image_sources())
        return ceil(round(self.prices[self._resolution()] * self.duration, 6)) + pictures

    def spec(self) -> MediaSpec:
        return clip(self._pixels(), self.duration, sound=self._sounds())

    def _sounds(self) -> bool:
        return True

    def _resolution(self) -> str:
        ratio = self.ratio or ""
        if ratio.startswith("auto_"):
            return ratio.removeprefix("auto_")
        # Runway names sizes. A size has the pixels of the nearest usual size.
        width, height = self.size
        area = width * height * 9 / 16
        return min(self.prices, key=lambda name: abs(area**0.5 - _SHORT_SIDES[name]))

    def _pixels(self) -> Size:
        if (self.ratio or "").startswith("auto_"):
            return with_short_side(shape_of("auto", self._picture), _SHORT_SIDES[self._resolution()])
        return self.size


class _Named(_Clip):
    """A video whose resolution and aspect ratio are fields."""

    resolution: str

    def _resolution(self) -> str:
        return self.resolution.lower()

    def _pixels(self) -> Size:
        return with_short_side(shape_of(self.ratio or "auto", self._picture), _SHORT_SIDES[self._resolution()])


class _WithSoundSwitch(_Clip):
    audio: bool = True

    def _sounds(self) -> bool:
        return self.audio


class _Seedance2(_WithSoundSwitch):
    prices: ClassVar[Mapping[str, float]] = {"480p": 36, "720p": 36, "1080p": 40, "4k": 150}

    model: Literal["seedance2"]
    ratio: Literal[
        "992:432", "864:496", "752:560", "640:640", "560:752", "496:864", "1470:630", "1280:720", "1112:834",
        "960:960", "834:1112", "720:1280", "2206:946", "1920:1080", "1664:1248", "1440:1440", "1248:1664",
        "1080:1920", "3840:1646", "3840:2160", "3840:2880", "3840:3840", "2880:3840", "2160:3840",
    ] = "1280:720"  # fmt: skip
    duration: int = Field(default=5, ge=4, le=15)


class Seedance2FromText(_Seedance2):
    """`seedance2` of `/v1/text_to_video`."""

    prompt: str = Field(alias="promptText", min_length=1, max_length=3500)


class Seedance2FromImage(FromFrames, _Seedance2):
    """`seedance2` of `/v1/image_to_video`."""

    prompt: str | None = Field(default=None, alias="promptText", min_length=1, max_length=3500)


class _Seedance25(_WithSoundSwitch):
    prices: ClassVar[Mapping[str, float]] = {"480p": 20, "720p": 30, "1080p": 68}

    model: Literal["seedance2_5"]
    prompt: str | None = Field(default=None, alias="promptText", min_length=1, max_length=15_000)
    ratio: Literal[
        "992:432", "854:480", "752:560", "640:640", "560:752", "480:854", "1470:630", "1280:720", "1112:834",
        "960:960", "834:1112", "720:1280", "2206:946", "1920:1080", "1664:1248", "1440:1440", "1248:1664", "1080:1920",
    ] = "1280:720"  # fmt: skip
    duration: int = Field(default=5, ge=4, le=30)
    format: Literal["mp4"] = Field(default="mp4", alias="outputFormat", description="the sandbox makes only this")

    @property
    def credits(self) -> int:
        # Runway's smallest charge for this model.
        return max(super().credits, 80)


class Seedance25FromText(_Seedance25):
    """`seedance2_5` of `/v1/text_to_video`."""


class Seedance25FromImage(FromFrames, _Seedance25):
    """`seedance2_5` of `/v1/image_to_video`."""


_WanSize = Literal[
    "832:480", "720:544", "624:624", "544:720", "480:832", "1280:720", "1104:832", "960:960", "832:1104", "720:1280",
    "1920:1080", "1648:1248", "1440:1440", "1248:1648", "1080:1920",
]  # fmt: skip
_WanShape = Literal["auto_480p", "auto_720p", "auto_1080p"]


class _Wan3(_WithSoundSwitch):
    prices: ClassVar[Mapping[str, float]] = {"480p": 5, "720p": 10, "1080p": 20}

    model: Literal["wan3", "wan3_prime"]
    prompt: str = Field(alias="promptText", min_length=1)
    duration: int = Field(default=5, ge=2, le=30)
    seed: None = None


class Wan3FromText(_Wan3):
    """`wan3` of `/v1/text_to_video`."""

    ratio: Literal[_WanSize, _WanShape] = "1280:720"


class Wan3FromImage(FromFrames, _Wan3):
    """`wan3` of `/v1/image_to_video`. The video takes the shape of the picture."""

    ratio: _WanShape = "auto_720p"


class Wan3PrimeFromText(Wan3FromText):
    """`wan3_prime` of `/v1/text_to_video`."""

    prices: ClassVar[Mapping[str, float]] = {"480p": 6.8, "720p": 14, "1080p": 28}


class Wan3PrimeFromImage(Wan3FromImage):
    """`wan3_prime` of `/v1/image_to_video`."""

    prices: ClassVar[Mapping[str, float]] = {"480p": 6.8, "720p": 14, "1080p": 28}


class _Hailuo3(_Named):
    prices: ClassVar[Mapping[str, float]] = {"768p": 10, "2k": 15}
    per_picture: ClassVar[int] = 2

    model: Literal["hailuo3"]
    prompt: str = Field(alias="promptText", min_length=1, max_length=7000)
    ratio: Literal["adaptive", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16"] = "adaptive"
    resolution: Literal["768p", "2k", "768P", "2K"] = "768p"
    duration: int = Field(default=5, ge=5, le=15)
    seed: None = None


class Hailuo3FromText(_Hailuo3):
    """`hailuo3` of `/v1/text_to_video`."""


class Hailuo3FromImage(FromFrames, _Hailuo3):
    """`hailuo3` of `/v1/image_to_video`."""


class _GrokImagine(_Named):
    prices: ClassVar[Mapping[str, float]] = {"480p": 10, "720p": 16, "1080p": 29}
    per_picture: ClassVar[int] = 1

    model: Literal["grok_imagine_1_5"]
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    duration: int = Field(default=5, ge=1, le=15)
    seed: None = None


class GrokImagineFromText(_GrokImagine):
    """`grok_imagine_1_5` of `/v1/text_to_video`."""

    prompt: str = Field(alias="promptText", min_length=1)
    ratio: Literal["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3"] = "16:9"


class OnlyFirstFrame(Part):
    """A picture in `promptImage` of a model without a last frame."""

    uri: InputUri
    position: Literal["first"]


class GrokImagineFromImage(_GrokImagine):
    """`grok_imagine_1_5` of `/v1/image_to_video`. The video takes the shape of the picture; there is no `ratio`."""

    prompt: str | None = Field(default=None, alias="promptText", min_length=1)
    ratio: None = None
    image: InputUri | Annotated[list[OnlyFirstFrame], Field(min_length=1, max_length=1)] = Field(alias="promptImage")

    def image_sources(self) -> tuple[str, ...]:
        return (self.image,) if isinstance(self.image, str) else tuple(frame.uri for frame in self.image)


class _Kling4(_Clip):
    # Runway publishes no price: this one is the sandbox's own.
    prices: ClassVar[Mapping[str, float]] = {"720p": 20, "1080p": 30}

    model: Literal["kling_4"]
    duration: int = Field(default=5, ge=3, le=30)
    seed: None = None


class Kling4FromText(_Kling4):
    """`kling_4` of `/v1/text_to_video`."""

    prompt: str = Field(alias="promptText", min_length=1, max_length=3072)
    ratio: Literal[
        "1280:720", "720:1280", "940:940", "1460:624", "1920:1080", "1080:1920", "1440:1440", "2200:940",
        "auto_720p", "auto_1080p",
    ] = "1280:720"  # fmt: skip


class Kling4FromImage(FromFrames, _Kling4):
    """`kling_4` of `/v1/image_to_video`. The video takes the shape of the picture."""

    prompt: str | None = Field(default=None, alias="promptText", min_length=1, max_length=3072)
    ratio: Literal["auto_720p", "auto_1080p"] = "auto_720p"


CREATES: Final[Mapping[str, type[RunwayCreate]]] = {
    "text_to_video/seedance2": Seedance2FromText,
    "image_to_video/seedance2": Seedance2FromImage,
    "text_to_video/seedance2_5": Seedance25FromText,
    "image_to_video/seedance2_5": Seedance25FromImage,
    "text_to_video/wan3": Wan3FromText,
    "image_to_video/wan3": Wan3FromImage,
    "text_to_video/wan3_prime": Wan3PrimeFromText,
    "image_to_video/wan3_prime": Wan3PrimeFromImage,
    "text_to_video/hailuo3": Hailuo3FromText,
    "image_to_video/hailuo3": Hailuo3FromImage,
    "text_to_video/grok_imagine_1_5": GrokImagineFromText,
    "image_to_video/grok_imagine_1_5": GrokImagineFromImage,
    "text_to_video/kling_4": Kling4FromText,
    "image_to_video/kling_4": Kling4FromImage,
}
