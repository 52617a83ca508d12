"""What the bodies of all of Runway's creates share.

Field names, values and limits are those of https://docs.dev.runwayml.com/api and of Runway's own client. Unknown fields
are refused: the sandbox finds a misspelt field before a vendor bills for it. Nothing should depend on the amounts of
prices.
"""

from abc import ABC, abstractmethod
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.vendors.runway.inputs import InputUri
from sandbox.videos import SourceVideo

_FRAME_RATE = 24
_FRAMES = (["first"], ["first", "last"])

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


class Part(BaseModel):
    """A part of a body."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class EitherFrame(Part):
    """A picture in `promptImage` of a model that also takes a last frame."""

    uri: InputUri
    position: Literal["first", "last"]


class Reference(Part):
    """A picture in `referenceImages`."""

    uri: InputUri
    tag: str | None = Field(default=None, pattern=r"^[A-Za-z][A-Za-z0-9_]{2,15}$")


class RunwayCreate(Part, ABC):
    """The body of a create."""

    ratio: str | None = None
    seed: Seed | None = None

    @property
    @abstractmethod
    def credits(self) -> int:
        """The price of the task."""

    @abstractmethod
    def spec(self) -> MediaSpec:
        """The file that Runway delivers."""

    def image_sources(self) -> tuple[str, ...]:
        """The URLs of the pictures that Runway fetches."""
        return ()

    @property
    def video_source(self) -> str | None:
        """The URL of the video that Runway fetches."""
        return None

    def take(self, video: SourceVideo) -> None:
        """Use the measures of the input video. Raises `RunwayError` 400 for an unsuitable video."""

    def take_picture(self, picture: SourceImage | None) -> None:
        """Use the measures of the first picture."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, height = map(int, (self.ratio or "").split(":"))
        return width, height


class FromFrames(RunwayCreate):
    """A create with a first frame, and perhaps a last one."""

    image: InputUri | Annotated[list[EitherFrame], Field(min_length=1, max_length=2)] = Field(alias="promptImage")

    @model_validator(mode="after")
    def _begins(self) -> Self:
        if not isinstance(self.image, str) and sorted(frame.position for frame in self.image) not in _FRAMES:
            raise ValueError("promptImage should have a first frame, and at most one last frame")
        return self

    def image_sources(self) -> tuple[str, ...]:
        if isinstance(self.image, str):
            return (self.image,)
        return tuple(frame.uri for frame in sorted(self.image, key=lambda frame: frame.position))


def clip(size: tuple[int, int], seconds: float, *, sound: bool = False) -> MediaSpec:
    """An MP4 video."""
    width, height = size
    return MediaSpec(
        format="mp4", width=width, height=height, duration_seconds=seconds, frame_rate=_FRAME_RATE, sound=sound
    )
