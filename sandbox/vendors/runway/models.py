"""Runway in the sandbox: the bodies of creates of its own models and of Veo. Other makers' models: partner_*.py."""

from math import ceil
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, model_validator

from sandbox.media import MediaSpec
from sandbox.task import JsonObject
from sandbox.validation import sentences
from sandbox.vendors.runway import partner_images, partner_videos
from sandbox.vendors.runway.creates import FromFrames, Part, Reference, RunwayCreate, clip
from sandbox.vendors.runway.errors import RunwayError
from sandbox.vendors.runway.inputs import InputUri
from sandbox.videos import SourceVideo

_MOST_UTF16_UNITS = 1000
_LONGEST_VIDEO_SECONDS = 30
_ALEPH_CREDITS_PER_SECOND = 28


def _check_length(text: str) -> str:
    if not 1 <= len(text.encode("utf-16-le")) // 2 <= _MOST_UTF16_UNITS:
        raise ValueError(f"should have 1 to {_MOST_UTF16_UNITS} UTF-16 code units")
    return text


PromptText = Annotated[str, AfterValidator(_check_length)]
_VideoRatio = Literal["1280:720", "720:1280", "1104:832", "960:960", "832:1104", "1584:672"]


class ContentModeration(Part):
    """`contentModeration`."""

    threshold: Literal["auto", "low"] = Field(default="auto", alias="publicFigureThreshold")


class Frame(Part):
    """A picture in `promptImage`, if that is a list."""

    uri: InputUri
    position: Literal["first"]


class _Own(RunwayCreate):
    """A create for one of Runway's own models."""

    moderation: ContentModeration = Field(default=ContentModeration(), alias="contentModeration")


class _Video(_Own):
    credits_per_second: ClassVar[int]

    duration: int = Field(ge=2, le=10)

    @property
    def credits(self) -> int:
        return self.credits_per_second * self.duration

    def spec(self) -> MediaSpec:
        return clip(self.size, self.duration)


class _Gen45(_Video):
    credits_per_second = 12

    model: Literal["gen4.5"]
    prompt: PromptText = Field(alias="promptText")
    format: Literal["mp4"] = Field(default="mp4", alias="outputFormat", description="the sandbox makes only this")


class _FromImage(_Video):
    ratio: _VideoRatio
    image: InputUri | Annotated[list[Frame], Field(min_length=1, max_length=1)] = Field(alias="promptImage")

    def image_sources(self) -> tuple[str, ...]:
        return (self.image,) if isinstance(self.image, str) else tuple(frame.uri for frame in self.image)


class Gen45FromText(_Gen45):
    """`gen4.5` of `/v1/text_to_video`."""

    ratio: Literal["1280:720", "720:1280"]


class Gen45FromImage(_FromImage, _Gen45):
    """`gen4.5` of `/v1/image_to_video`."""


class Gen4TurboFromImage(_FromImage):
    """`gen4_turbo` of `/v1/image_to_video`. The prompt is optional."""

    credits_per_second = 5

    model: Literal["gen4_turbo"]
    prompt: PromptText | None = Field(default=None, alias="promptText")
    duration: int = Field(default=10, ge=2, le=10)


class _Veo(RunwayCreate):
    model: Literal["veo3.1", "veo3.1_fast"]
    ratio: Literal["1280:720", "720:1280", "1080:1920", "1920:1080"]
    duration: Literal[4, 6, 8] = 8
    audio: bool = True
    negative: str | None = Field(default=None, alias="negativePrompt")

    @property
    def credits(self) -> int:
        silent, sounding = {"veo3.1": (20, 40), "veo3.1_fast": (10, 15)}[self.model]
        return self.duration * (sounding if self.audio else silent)

    def spec(self) -> MediaSpec:
        return clip(self.size, self.duration, sound=self.audio)


class VeoFromText(_Veo):
    """`veo3.1` and `veo3.1_fast` of `/v1/text_to_video`."""

    prompt: PromptText = Field(alias="promptText")


class VeoFromImage(FromFrames, _Veo):
    """`veo3.1` and `veo3.1_fast` of `/v1/image_to_video`."""

    prompt: PromptText | None = Field(default=None, alias="promptText")


class Window(Part):
    """A part of a video, in whole seconds."""

    start: int = Field(alias="startSeconds", ge=0)
    end: int = Field(alias="endSeconds", ge=0)


class Keyframe(Part):
    """A picture that guides Aleph at one moment: seconds from the start, or a fraction of the length."""

    uri: InputUri
    seconds: float | None = Field(default=None, ge=0)
    at: float | None = Field(default=None, ge=0, le=1)
    range: Window | None = None

    @model_validator(mode="after")
    def _has_a_moment(self) -> Self:
        if (self.seconds is None) == (self.at is None):
            raise ValueError("should have either seconds or at")
        return self


class Aleph2(_Own):
    """`aleph2` of `/v1/video_to_video`. The sandbox keeps the input's shape and container."""

    model: Literal["aleph2"]
    video: InputUri = Field(alias="videoUri")
    prompt: PromptText | None = Field(default=None, alias="promptText")
    ratio: None = None
    format: Literal["mp4"] = Field(default="mp4", alias="outputFormat")
    keyframes: Annotated[list[Keyframe], Field(max_length=5)] = Field(default=[])
    _source: SourceVideo = PrivateAttr()

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        if len({keyframe.range is None for keyframe in self.keyframes}) > 1:
            raise ValueError("either all keyframes should have a range, or none")
        return self

    @property
    def video_source(self) -> str:
        return self.video

    def take(self, video: SourceVideo) -> None:
        if not 2 <= video.seconds <= _LONGEST_VIDEO_SECONDS:
            raise RunwayError(400, f"videoUri: should be 2 to {_LONGEST_VIDEO_SECONDS} seconds long")
        self._source = video

    def image_sources(self) -> tuple[str, ...]:
        return tuple(keyframe.uri for keyframe in self.keyframes)

    @property
    def credits(self) -> int:
        return _ALEPH_CREDITS_PER_SECOND * ceil(self._source.seconds)

    def spec(self) -> MediaSpec:
        return clip((self._source.width, self._source.height), self._source.seconds)


class _Image(_Own):
    prompt: PromptText = Field(alias="promptText")
    ratio: Literal[
        "1024:1024", "1080:1080", "1168:880", "1360:768", "1440:1080", "1080:1440", "1808:768", "1920:1080",
        "1080:1920", "2112:912", "1280:720", "720:1280", "720:720", "960:720", "720:960", "1680:720",
    ]  # fmt: skip
    references: Annotated[list[Reference], Field(max_length=3)] = Field(default=[], alias="referenceImages")

    def image_sources(self) -> tuple[str, ...]:
        return tuple(reference.uri for reference in self.references)

    def spec(self) -> MediaSpec:
        width, height = self.size
        return MediaSpec(format="png", width=width, height=height)


class Gen4Image(_Image):
    """`gen4_image` of `/v1/text_to_image`."""

    model: Literal["gen4_image"]

    @property
    def credits(self) -> int:
        return 5 if min(self.size) == 720 else 8


class Gen4ImageTurbo(_Image):
    """`gen4_image_turbo` of `/v1/text_to_image`. It requires a picture."""

    model: Literal["gen4_image_turbo"]
    references: Annotated[list[Reference], Field(min_length=1, max_length=3)] = Field(alias="referenceImages")

    @property
    def credits(self) -> int:
        return 2


_CREATES: dict[str, type[RunwayCreate]] = {
    "text_to_video/gen4.5": Gen45FromText,
    "image_to_video/gen4.5": Gen45FromImage,
    "image_to_video/gen4_turbo": Gen4TurboFromImage,
    "text_to_image/gen4_image_turbo": Gen4ImageTurbo,
    "video_to_video/aleph2": Aleph2,
    "text_to_video/veo3.1": VeoFromText,
    "text_to_video/veo3.1_fast": VeoFromText,
    "image_to_video/veo3.1": VeoFromImage,
    "image_to_video/veo3.1_fast": VeoFromImage,
    "text_to_image/gen4_image": Gen4Image,
    **partner_videos.CREATES,
    **partner_images.CREATES,
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
    """The prompt for scenarios and counts, even of an invalid body."""
    prompt = body.get("promptText")
    return prompt if isinstance(prompt, str) else ""
