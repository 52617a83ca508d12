"""What the sandbox knows of Runway: the bodies of its creates, their prices, and what they deliver.

Field names, values and limits are those of https://docs.dev.runwayml.com/api and of Runway's own client. Unknown fields
are refused, so that a misspelt one is noticed here and not on a bill. Nothing should depend on the prices' amounts.
"""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sandbox.media import MediaSpec
from sandbox.task import JsonObject
from sandbox.validation import HttpUrlText, sentences
from sandbox.vendors.runway.errors import RunwayError

# Of pictures Runway wants HTTPS links without redirects, and here is no HTTPS; it takes data and its own uploads, too.
MAX_IMAGE_BYTES = 16 * 1024**2

_MOST_UTF16_UNITS = 1000
_FRAME_RATE = 24


def _check_length(text: str) -> str:
    if not 1 <= len(text.encode("utf-16-le")) // 2 <= _MOST_UTF16_UNITS:
        raise ValueError(f"should have 1 to {_MOST_UTF16_UNITS} UTF-16 code units")
    return text


PromptText = Annotated[str, AfterValidator(_check_length)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
_VideoRatio = Literal["1280:720", "720:1280", "1104:832", "960:960", "832:1104", "1584:672"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ContentModeration(_Part):
    """`contentModeration`."""

    threshold: Literal["auto", "low"] = Field(default="auto", alias="publicFigureThreshold")


class Frame(_Part):
    """A picture of `promptImage`, where that is a list."""

    uri: HttpUrlText
    position: Literal["first"]


class Reference(_Part):
    """A picture of `referenceImages`."""

    uri: HttpUrlText
    tag: str | None = Field(default=None, pattern=r"^[A-Za-z][A-Za-z0-9_]{2,15}$")


class RunwayCreate(_Part, ABC):
    """The body of a create."""

    ratio: str
    seed: Seed | None = None
    moderation: ContentModeration = Field(default=ContentModeration(), alias="contentModeration")

    @property
    @abstractmethod
    def credits(self) -> int:
        """What it costs."""

    @abstractmethod
    def spec(self) -> MediaSpec:
        """What Runway delivers."""

    def image_sources(self) -> tuple[str, ...]:
        """The pictures that Runway fetches."""
        return ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, height = map(int, self.ratio.split(":"))
        return width, height


class _Video(RunwayCreate):
    credits_per_second: ClassVar[int]

    duration: int = Field(ge=2, le=10)

    @property
    def credits(self) -> int:
        return self.credits_per_second * self.duration

    def spec(self) -> MediaSpec:
        width, height = self.size
        return MediaSpec(
            format="mp4", width=width, height=height, duration_seconds=self.duration, frame_rate=_FRAME_RATE
        )


class _Gen45(_Video):
    credits_per_second = 12

    model: Literal["gen4.5"]
    prompt: PromptText = Field(alias="promptText")
    format: Literal["mp4"] = Field(default="mp4", alias="outputFormat", description="the others are not made here")


class _FromImage(_Video):
    ratio: _VideoRatio
    image: HttpUrlText | Annotated[list[Frame], Field(min_length=1, max_length=1)] = Field(alias="promptImage")

    def image_sources(self) -> tuple[str, ...]:
        return (self.image,) if isinstance(self.image, str) else tuple(frame.uri for frame in self.image)


class Gen45FromText(_Gen45):
    """`gen4.5` of `/v1/text_to_video`."""

    ratio: Literal["1280:720", "720:1280"]


class Gen45FromImage(_FromImage, _Gen45):
    """`gen4.5` of `/v1/image_to_video`."""


class Gen4TurboFromImage(_FromImage):
    """`gen4_turbo` of `/v1/image_to_video`; it can do without words."""

    credits_per_second = 5

    model: Literal["gen4_turbo"]
    prompt: PromptText | None = Field(default=None, alias="promptText")
    duration: int = Field(default=10, ge=2, le=10)


class Gen4Image(RunwayCreate):
    """`gen4_image` of `/v1/text_to_image`."""

    model: Literal["gen4_image"]
    prompt: PromptText = Field(alias="promptText")
    ratio: Literal[
        "1024:1024", "1080:1080", "1168:880", "1360:768", "1440:1080", "1080:1440", "1808:768", "1920:1080",
        "1080:1920", "2112:912", "1280:720", "720:1280", "720:720", "960:720", "720:960", "1680:720",
    ]  # fmt: skip
    references: Annotated[list[Reference], Field(max_length=3)] = Field(default=[], alias="referenceImages")

    @property
    def credits(self) -> int:
        return 5 if min(self.size) == 720 else 8

    def image_sources(self) -> tuple[str, ...]:
        return tuple(reference.uri for reference in self.references)

    def spec(self) -> MediaSpec:
        width, height = self.size
        return MediaSpec(format="png", width=width, height=height)


_CREATES: dict[str, type[RunwayCreate]] = {
    "text_to_video/gen4.5": Gen45FromText,
    "image_to_video/gen4.5": Gen45FromImage,
    "image_to_video/gen4_turbo": Gen4TurboFromImage,
    "text_to_image/gen4_image": Gen4Image,
}
MODELS = sorted({name.partition("/")[2] for name in _CREATES})


def read_create(endpoint: str, body: JsonObject) -> RunwayCreate:
    """The validated body. Raises `RunwayError`: 404 for an unknown endpoint, 400 for anything else."""
    models = [name.partition("/")[2] for name in _CREATES if name.partition("/")[0] == endpoint]
    if not models:
        raise RunwayError(404, f"There is no endpoint /v1/{endpoint}")
    create = _CREATES.get(f"{endpoint}/{body.get('model')}")
    if create is None:
        raise RunwayError(400, f"model: should be one of {', '.join(models)}")
    try:
        return create.model_validate(body)
    except ValidationError as error:
        raise RunwayError(400, sentences(error)) from None


def prompt_of(body: JsonObject) -> str:
    """What scenarios and counts go by, even when the body is not valid."""
    prompt = body.get("promptText")
    return prompt if isinstance(prompt, str) else ""
