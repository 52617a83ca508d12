"""`settings` and `options` of Kling's creates, a class for each version.

Source: the versions' pages of https://kling.ai/document-api.
"""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.validation import HttpUrlText


class Part(BaseModel):
    """A part of a request. Unknown fields are refused, so that a misspelt field fails before a vendor bills for it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Watermark(Part):
    """`options.watermark_info`."""

    enabled: bool


class Options(Part):
    """`options`."""

    callback_url: HttpUrlText | None = None
    external_task_id: str | None = Field(default=None, min_length=1)
    watermark_info: Watermark | None = None


class Settings(Part):
    """`settings` of any version."""

    resolution: Literal["720p", "1080p", "4k"] = "720p"
    duration: int = 5

    @property
    def sounds(self) -> bool:
        """Whether the video has sound."""
        return False

    @property
    def shape(self) -> str:
        """The aspect ratio; "auto" if a picture decides the shape."""
        return "auto"


class Shape(Part):
    """The setting of the shape, for creates without a picture."""

    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"

    @property
    def shape(self) -> str:
        return self.aspect_ratio


class Settings3Turbo(Settings):
    """`settings` of 3.0 Turbo, from a picture."""

    resolution: Literal["720p", "1080p"] = "720p"
    duration: int = Field(default=5, ge=3, le=15)


class TextSettings3Turbo(Shape, Settings3Turbo):
    """`settings` of 3.0 Turbo, from text."""


class Settings3(Settings):
    """`settings` of 3.0, from a picture."""

    duration: int = Field(default=5, ge=3, le=15)
    audio: Literal["native", "off"] = "off"
    multi_shot: bool = True

    @property
    def sounds(self) -> bool:
        return self.audio == "native"


class TextSettings3(Shape, Settings3):
    """`settings` of 3.0, from text."""


class Settings3Omni(Settings):
    """`settings` of 3.0 Omni."""

    duration: int = Field(default=5, ge=3, le=15)
    audio: Literal["native", "original", "off"] = "off"
    multi_shot: bool | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None

    @property
    def sounds(self) -> bool:
        return self.audio != "off"

    @property
    def shape(self) -> str:
        return self.aspect_ratio or "auto"


class Settings25(Settings):
    """`settings` of 2.5 Turbo, from a picture."""

    resolution: Literal["720p", "1080p"] = "720p"
    duration: Literal[5, 10] = 5


class TextSettings25(Shape, Settings25):
    """`settings` of 2.5 Turbo, from text."""


class Settings26(Settings25):
    """`settings` of 2.6, from a picture."""

    audio: Literal["native", "off"] = "off"

    @property
    def sounds(self) -> bool:
        return self.audio == "native"

    @model_validator(mode="after")
    def _sounds_at_1080p(self) -> Self:
        if self.sounds and self.resolution != "1080p":
            raise ValueError("native audio is made at 1080p only")
        return self


class TextSettings26(Shape, Settings26):
    """`settings` of 2.6, from text."""


_MOST_PICTURES = 7
_MOST_PICTURES_BESIDE_A_VIDEO = 4


def omni_problem(types: Mapping[str, int], settings: Settings3Omni) -> str | None:
    """The reason why Omni refuses these contents (a count for each type) with these settings. None if it takes them."""
    frames = types.get("first_frame", 0) + types.get("last_frame", 0)
    features, bases = types.get("feature_video", 0), types.get("base_video", 0)
    videos = features + bases
    most = _MOST_PICTURES_BESIDE_A_VIDEO if videos else _MOST_PICTURES
    refusals = {
        "a prompt is missing": types.get("prompt", 0) != 1,
        "each frame may be given once": max(types.get("first_frame", 0), types.get("last_frame", 0)) > 1,
        "a last_frame needs a first_frame": types.get("last_frame", 0) > types.get("first_frame", 0),
        "at most one video may be given": videos > 1,
        f"at most {most} pictures may be given": types.get("refer_image", 0) > most,
        "a base_video goes with no frames": bases > 0 and frames > 0,
        "a base_video goes without multi_shot and native audio": bases > 0
        and (settings.multi_shot is True or settings.audio == "native"),
        "a feature_video goes with multi_shot and without audio": features > 0
        and (settings.multi_shot is False or settings.audio != "off"),
        "original audio is a video's": settings.audio == "original" and not videos,
        "an aspect_ratio is needed": settings.aspect_ratio is None and not frames and not videos,
    }
    return next((text for text, holds in refusals.items() if holds), None)
