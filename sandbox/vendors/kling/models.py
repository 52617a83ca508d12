"""Kling's models in the sandbox: the bodies of creates, their prices, and the files that they deliver.

Field names and limits are those of https://kling.ai/document-api, in the new dialect. Prices are those of
https://kling.ai/dev/pricing, in units of $0.14.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, ValidationError, model_validator

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.sizes import Size, size_of
from sandbox.task import JsonObject
from sandbox.validation import HttpUrlText, sentences
from sandbox.vendors.kling.errors import KlingError
from sandbox.vendors.kling.settings import (
    Options,
    Part,
    Settings,
    Settings3,
    Settings3Omni,
    Settings3Turbo,
    Settings25,
    Settings26,
    TextSettings3,
    TextSettings3Turbo,
    TextSettings25,
    TextSettings26,
    omni_problem,
)
from sandbox.videos import SourceVideo

_SHORTEST_SIDE = 300
_LONGEST_SHAPE = 2.5
_VIDEO_SECONDS = (3, 15.5)

_SIZES: dict[str, Size] = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (960, 960)}
_SCALES = {"720p": 1.0, "1080p": 1.5, "4k": 3.0}
_FRAME_RATE = 24

_LongPrompt = Annotated[str, Field(min_length=1, max_length=3072)]
_ShortPrompt = Annotated[str, Field(min_length=1, max_length=2500)]


class KlingCreate(Part):
    """The body of a create."""

    units_per_second: ClassVar[Mapping[str, float]] = {"720p": 0.6, "1080p": 0.8, "4k": 3.0}
    units_with_sound: ClassVar[Mapping[str, float]] = {"720p": 0.9, "1080p": 1.2, "4k": 3.0}

    settings: Settings = Settings()
    options: Options = Options()

    @property
    def callback_url(self) -> str | None:
        """The URL of the callback's receiver."""
        return self.options.callback_url

    @property
    def external_id(self) -> str | None:
        """The customer's own id of the task."""
        return self.options.external_task_id

    @property
    def units(self) -> float:
        """The price of the task."""
        rates = self.units_with_sound if self.settings.sounds else self.units_per_second
        return round(rates[self.settings.resolution] * self.settings.duration, 2)

    def image_sources(self) -> tuple[str, ...]:
        """The URLs of the pictures that Kling fetches, the first frame first."""
        return ()

    def video_source(self) -> str | None:
        """The URL of the video that Kling fetches."""
        return None

    def spec(self, source: SourceImage | None, video: SourceVideo | None = None) -> MediaSpec:
        """The file that Kling delivers, given picture and video. Raises `KlingError` 1201 for unsuitable inputs."""
        if source is not None:
            check_image(source)
        if video is not None and not _VIDEO_SECONDS[0] <= round(video.seconds, 1) <= _VIDEO_SECONDS[1]:
            raise KlingError(1201, f"The video has {video.seconds:.1f} s; it may have 3 to 15.5")
        width, height = size_of(_SIZES, self.settings.shape, video or source)
        scale = _SCALES[self.settings.resolution]
        return MediaSpec(
            format="mp4",
            width=round(width * scale),
            height=round(height * scale),
            duration_seconds=self._seconds(video),
            frame_rate=_FRAME_RATE,
            sound=self.settings.sounds,
        )

    def _seconds(self, video: SourceVideo | None) -> float:  # noqa: ARG002 -- for what changes a video
        return self.settings.duration


def check_image(source: SourceImage) -> None:
    """Raise `KlingError` 1201 for a picture that is too small or too elongated."""
    shorter, longer = sorted((source.width, source.height))
    if shorter < _SHORTEST_SIDE or longer > _LONGEST_SHAPE * shorter:
        raise KlingError(1201, f"The image has {source.width} x {source.height} pixels; 300 at least, 1:2.5")


class _TextToVideo(KlingCreate):
    prompt: _LongPrompt


class _Text3(_TextToVideo):
    settings: TextSettings3 = TextSettings3()


class _Text3Turbo(_TextToVideo):
    units_per_second: ClassVar = {"720p": 0.8, "1080p": 1.0}
    settings: TextSettings3Turbo = TextSettings3Turbo()


class _Text26(_TextToVideo):
    units_per_second: ClassVar = {"720p": 0.3, "1080p": 0.5}
    units_with_sound: ClassVar = {"1080p": 1.0}
    prompt: _ShortPrompt
    settings: TextSettings26 = TextSettings26()


class _Text25(_TextToVideo):
    units_per_second: ClassVar = {"720p": 0.3, "1080p": 0.5}
    prompt: _ShortPrompt
    settings: TextSettings25 = TextSettings25()


class _Words(Part):
    """The prompt, as an entry of `contents`."""

    type: Literal["prompt"]
    text: _LongPrompt


class _ShortWords(_Words):
    text: _ShortPrompt


class _Frame(Part):
    """A picture, as an entry of `contents`. Kling also takes base64; the sandbox takes only URLs."""

    type: Literal["first_frame", "last_frame"]
    url: HttpUrlText


class _ImageToVideo(KlingCreate):
    """The video takes the shape of the picture."""

    last_frame_at: ClassVar[tuple[str, ...]] = ("720p", "1080p", "4k")
    """The resolutions that take a last frame beside the first."""

    contents: Sequence[Annotated[_Words | _Frame, Field(discriminator="type")]]

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        types = [part.type for part in self.contents]
        if "first_frame" not in types:
            raise ValueError("a first_frame is missing")
        if len(set(types)) < len(types):
            raise ValueError("each type may be given once")
        if "last_frame" in types and (self.settings.resolution not in self.last_frame_at):
            raise ValueError(f"a last_frame is taken at {' and '.join(self.last_frame_at) or 'no resolution'} only")
        return self

    def image_sources(self) -> tuple[str, ...]:
        frames = [part for part in self.contents if isinstance(part, _Frame)]
        return tuple(frame.url for frame in sorted(frames, key=lambda frame: frame.type))


class _Image3(_ImageToVideo):
    settings: Settings3 = Settings3()


class _Image3Turbo(_ImageToVideo):
    units_per_second: ClassVar = _Text3Turbo.units_per_second
    last_frame_at: ClassVar = ()
    contents: Sequence[Annotated[_ShortWords | _Frame, Field(discriminator="type")]]
    settings: Settings3Turbo = Settings3Turbo()


class _Image25(_ImageToVideo):
    units_per_second: ClassVar = _Text25.units_per_second
    last_frame_at: ClassVar = ("1080p",)
    contents: Sequence[Annotated[_ShortWords | _Frame, Field(discriminator="type")]]
    settings: Settings25 = Settings25()


class _Image26(_Image25):
    units_with_sound: ClassVar = _Text26.units_with_sound
    settings: Settings26 = Settings26()

    @model_validator(mode="after")
    def _silent_between_two_frames(self) -> Self:
        if self.settings.sounds and len(self.image_sources()) > 1:
            raise ValueError("with a last_frame, audio may be off only")
        return self


class _Reference(Part):
    """A picture or a video that the prompt may name, as an entry of `contents`. The sandbox has no elements."""

    type: Literal["first_frame", "last_frame", "refer_image", "feature_video", "base_video"]
    url: HttpUrlText
    id: str | None = Field(default=None, min_length=1)


class _Omni(KlingCreate):
    units_with_sound: ClassVar = {"720p": 0.8, "1080p": 1.0, "4k": 3.0}
    units_with_video: ClassVar[Mapping[str, float]] = {"720p": 0.9, "1080p": 1.2, "4k": 3.0}
    contents: Sequence[Annotated[_Words | _Reference, Field(discriminator="type")]]
    settings: Settings3Omni = Settings3Omni()

    @property
    def _types(self) -> Counter[str]:
        return Counter(part.type for part in self.contents)

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        types = self._types
        problem = omni_problem(types, self.settings)
        if problem is not None:
            raise ValueError(problem)
        ids = [part.id for part in self.contents if isinstance(part, _Reference) and part.id is not None]
        if len(set(ids)) < len(ids):
            raise ValueError("an id may be given once")
        return self

    def image_sources(self) -> tuple[str, ...]:
        images = [part for part in self.contents if isinstance(part, _Reference) and not part.type.endswith("_video")]
        # The order is deliberate: a first frame comes first, and other pictures are no frame of the video.
        return tuple(image.url for image in sorted(images, key=lambda image: image.type))

    def video_source(self) -> str | None:
        videos = (part for part in self.contents if isinstance(part, _Reference) and part.type.endswith("_video"))
        return next((video.url for video in videos), None)

    @property
    def units(self) -> float:
        if self.video_source() is None:
            return super().units
        return round(self.units_with_video[self.settings.resolution] * self.settings.duration, 2)

    def _seconds(self, video: SourceVideo | None) -> float:
        return video.seconds if video is not None and self._types["base_video"] else self.settings.duration


_CREATES: dict[str, type[KlingCreate]] = {
    "text-to-video/kling-3.0": _Text3,
    "text-to-video/kling-3.0-turbo": _Text3Turbo,
    "text-to-video/kling-2.6": _Text26,
    "text-to-video/kling-2.5-turbo": _Text25,
    "image-to-video/kling-3.0": _Image3,
    "image-to-video/kling-3.0-turbo": _Image3Turbo,
    "image-to-video/kling-2.6": _Image26,
    "image-to-video/kling-2.5-turbo": _Image25,
    "omni-video/kling-3.0-omni": _Omni,
}


def read_create(model: str, body: JsonObject) -> KlingCreate:
    """The validated body. Raises `KlingError`: 1203 for an unknown model, 1201 for anything else."""
    if model not in _CREATES:
        raise KlingError(1203, f"There is no resource {model}")
    try:
        return _CREATES[model].model_validate(body)
    except ValidationError as error:
        raise KlingError(1201, sentences(error)) from None


def prompt_of(body: JsonObject) -> str:
    """The prompt for scenarios and counts, even of an invalid body."""
    contents = body.get("contents")
    parts = contents if isinstance(contents, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "prompt"]
    return next((text for text in (body.get("prompt"), *texts) if isinstance(text, str)), "")
