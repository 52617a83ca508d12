"""The legacy dialect in the sandbox: the bodies of creates, their prices, and the files that they deliver.

Field names and limits are those of https://kling.ai/document-api. Unknown fields are refused: the sandbox finds a
misspelt field before a vendor bills for it. Prices are near Kling's; nothing should depend on the amounts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import Size, size_of
from sandbox.task import JsonObject
from sandbox.validation import HttpUrlText, sentences
from sandbox.vendors.kling.errors import KlingError
from sandbox.vendors.kling.models import check_image
from sandbox.videos import SourceVideo

_SIZES: dict[str, Size] = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960)}
_SCALES = {"std": 1.0, "pro": 1.5, "4k": 3.0}
_FRAME_RATE = 24
_OLD_DURATIONS = ("5", "10")


@dataclass(frozen=True)
class _Version:
    units_per_second: Mapping[str, float]
    """The price of a silent second in each mode."""
    units_with_sound: Mapping[str, float]
    """The price of a second with sound in each mode that makes sound."""
    durations: tuple[str, ...]
    tail_in: tuple[str, ...]
    """The modes that take a last picture."""
    sounds_with_tail: bool = False


_VERSIONS: Mapping[str, _Version] = {
    "kling-v3": _Version(
        units_per_second={"std": 0.6, "pro": 0.8, "4k": 3.0},
        units_with_sound={"std": 0.9, "pro": 1.2, "4k": 3.0},
        durations=tuple(str(seconds) for seconds in range(3, 16)),
        tail_in=("std", "pro", "4k"),
        sounds_with_tail=True,
    ),
    "kling-v2-6": _Version(
        units_per_second={"std": 0.3, "pro": 0.5},
        units_with_sound={"pro": 1.0},
        durations=_OLD_DURATIONS,
        tail_in=("pro",),
    ),
    "kling-v2-5-turbo": _Version(
        units_per_second={"std": 0.3, "pro": 0.5}, units_with_sound={}, durations=_OLD_DURATIONS, tail_in=("pro",)
    ),
}


# Kling also takes raw base64; the sandbox takes only URLs.
_Picture = HttpUrlText
_Prompt = Annotated[str, Field(min_length=1, max_length=2500)]


class _Watermark(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    enabled: bool


class LegacyCreate(BaseModel):
    """The body of a create of any kind. `cfg_scale` and `camera_control` belong to models that no longer exist."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())

    model_name: Literal["kling-v3", "kling-v2-6", "kling-v2-5-turbo"]
    prompt: _Prompt
    negative_prompt: str = Field(default="", max_length=2500)
    mode: Literal["std", "pro", "4k"] = "std"
    duration: str = "5"
    sound: Literal["on", "off"] = "off"
    callback_url: HttpUrlText | None = None
    external_task_id: str | None = Field(default=None, min_length=1)
    watermark_info: _Watermark | None = None

    @model_validator(mode="after")
    def _fits_the_model(self) -> Self:
        version = _VERSIONS[self.model_name]
        if self.mode not in version.units_per_second:
            raise ValueError(f"{self.model_name} has no mode {self.mode}")
        if self.duration not in version.durations:
            raise ValueError(f"{self.model_name} takes durations of {', '.join(version.durations)}")
        if "sound" in self.model_fields_set and not version.units_with_sound:
            raise ValueError(f"{self.model_name} takes no sound")
        if self.sound == "on" and self.mode not in version.units_with_sound:
            raise ValueError(f"{self.model_name} has no sound in mode {self.mode}")
        return self

    @property
    def external_id(self) -> str | None:
        """The customer's own id of the task."""
        return self.external_task_id

    @property
    def units(self) -> float:
        """The price of the task."""
        version = _VERSIONS[self.model_name]
        rates = version.units_with_sound if self.sound == "on" else version.units_per_second
        return round(rates[self.mode] * int(self.duration), 2)

    def image_sources(self) -> tuple[str, ...]:
        """The URLs of the pictures that Kling fetches, the first frame first."""
        return ()

    def video_source(self) -> str | None:
        """None: the dialect takes no video."""
        return None

    def spec(self, source: SourceImage | None, video: SourceVideo | None) -> MediaSpec:  # noqa: ARG002 -- takes none
        """The file that Kling delivers, given the first picture. Raises `KlingError` 1201 for an unsuitable picture."""
        if source is not None:
            check_image(source)
        width, height = size_of(_SIZES, self.shape, source)
        scale = _SCALES[self.mode]
        return MediaSpec(
            format="mp4",
            width=round(width * scale),
            height=round(height * scale),
            duration_seconds=int(self.duration),
            frame_rate=_FRAME_RATE,
            sound=self.sound == "on",
        )

    @property
    def shape(self) -> str:
        """The aspect ratio; "auto" if a picture decides the shape."""
        return "auto"


class TextToVideo(LegacyCreate):
    """`/v1/videos/text2video`."""

    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"

    @property
    def shape(self) -> str:
        return self.aspect_ratio


class ImageToVideo(LegacyCreate):
    """`/v1/videos/image2video`; the video takes the shape of the picture."""

    image: _Picture
    image_tail: _Picture | None = None

    @model_validator(mode="after")
    def _takes_the_tail(self) -> Self:
        version = _VERSIONS[self.model_name]
        if self.image_tail is not None and self.mode not in version.tail_in:
            raise ValueError(f"{self.model_name} takes an image_tail in mode {' and '.join(version.tail_in)} only")
        if self.image_tail is not None and self.sound == "on" and not version.sounds_with_tail:
            raise ValueError(f"{self.model_name} makes no sound with an image_tail")
        return self

    def image_sources(self) -> tuple[str, ...]:
        return (self.image,) if self.image_tail is None else (self.image, self.image_tail)


_CREATES: Mapping[str, type[LegacyCreate]] = {"text2video": TextToVideo, "image2video": ImageToVideo}


def read_create(kind: str, body: JsonObject) -> LegacyCreate:
    """The validated body. Raises `KlingError`: 1203 for an unknown kind, 1201 for anything else."""
    if kind not in _CREATES:
        raise KlingError(1203, f"There is no resource {kind}")
    try:
        return _CREATES[kind].model_validate(body)
    except ValidationError as error:
        raise KlingError(1201, sentences(error)) from None
