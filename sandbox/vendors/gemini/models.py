"""Google's media models in the sandbox: the body of a create and the files that they deliver.

Field names and values are those of google-genai's `_gaos/types/interactions`, limits those of
https://ai.google.dev/gemini-api/docs/omni and https://ai.google.dev/gemini-api/docs/image-generation. Unknown fields
are refused: the sandbox finds a misspelt field before a vendor bills for it.
"""

import base64
import binascii
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.media import MediaSpec
from sandbox.task import JsonObject
from sandbox.validation import HttpUrlText, sentences
from sandbox.vendors.gemini.errors import GeminiError

_FRAME_RATE = 24
_LONGEST_SECONDS: Mapping[str, int] = {"gemini-omni-1.1-flash": 10, "gemini-omni-1.2-flash": 15}
_SHORTEST_SECONDS = 3
_LINES = {"360p": 360, "720p": 720, "1080p": 1080, "4k": 2160}

_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_MORE_RATIOS = (*_RATIOS, "1:4", "4:1", "1:8", "8:1")
_PIXELS = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
# Aspect ratios, sizes, and the most pictures of each model.
_IMAGE_MODELS: Mapping[str, tuple[Sequence[str], Sequence[str], int]] = {
    "gemini-nano-banana-2.1": (_MORE_RATIOS, ("1K", "2K", "4K"), 14),
    "gemini-3.1-flash-image": (_MORE_RATIOS, ("512", "1K", "2K", "4K"), 14),
    "gemini-3.1-flash-lite-image": (_RATIOS, ("1K",), 14),
    "gemini-3-pro-image": (_RATIOS, ("1K", "2K", "4K"), 14),
    "gemini-2.5-flash-image": (_RATIOS, ("1K",), 3),
}
_MOST_OMNI_IMAGES = 10
MODELS = (*_LONGEST_SECONDS, *_IMAGE_MODELS)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Text(_Part):
    """A text in the input."""

    type: Literal["text"]
    text: str = Field(min_length=1)


class _Media(_Part):
    data: str | None = None
    uri: str | None = None

    def content(self) -> bytes:
        """The bytes. Raises `GeminiError` 400 for a URI: the sandbox has no uploads, so no URI is Google's."""
        if self.uri is not None or self.data is None:
            raise GeminiError(400, f"Cannot fetch content from the provided URL: {self.uri}")
        try:
            return base64.b64decode(self.data, validate=True)
        except binascii.Error:
            raise GeminiError(400, "Base64 decoding failed for input.data") from None


class Image(_Media):
    """A picture in the input."""

    type: Literal["image"]
    mime_type: Literal[
        "image/png", "image/jpeg", "image/webp", "image/heic", "image/heif", "image/gif", "image/bmp", "image/tiff"
    ]


class Video(_Media):
    """A video in the input."""

    type: Literal["video"]
    mime_type: Literal[
        "video/mp4", "video/mpeg", "video/mpg", "video/mov", "video/avi", "video/x-flv", "video/webm", "video/wmv",
        "video/3gpp",
    ]  # fmt: skip


Content = Annotated[Text | Image | Video, Field(discriminator="type")]


class UserInput(_Part):
    """The input as a step. Google's client makes a step of a list of contents."""

    type: Literal["user_input"]
    content: list[Content] = Field(min_length=1)


class WebhookConfig(_Part):
    """The receiver of the webhook. Google takes several URIs; the sandbox takes one."""

    uris: list[HttpUrlText] = Field(min_length=1, max_length=1)
    user_metadata: JsonObject | None = None


class _Create(_Part, ABC):
    """The body of a create."""

    model: str
    input: str | Content | Annotated[list[Content] | list[UserInput], Field(min_length=1)]
    background: bool = False
    store: bool = True
    stream: Literal[False] = False
    labels: dict[str, str] = {}
    webhook_config: WebhookConfig | None = None

    def contents(self) -> list[Text | Image | Video]:
        """The parts of the input."""
        if isinstance(self.input, str):
            return [Text(type="text", text=self.input)]
        given = self.input if isinstance(self.input, list) else [self.input]
        found: list[Text | Image | Video] = []
        for part in given:
            found += part.content if isinstance(part, UserInput) else [part]
        return found

    @abstractmethod
    def spec(self) -> MediaSpec:
        """The file that the model delivers. Raises `GeminiError` 400 for an input that the model does not take."""


class VideoFormat(_Part):
    """`response_format` of a video."""

    type: Literal["video"]
    aspect_ratio: Literal["16:9", "9:16"] = "16:9"
    duration: str = Field(default="8s", pattern=r"^\d{1,2}s$")
    resolution: Literal["360p", "720p", "1080p", "4k"] = "720p"
    delivery: Literal["inline", "uri"] = "inline"


class VideoConfig(_Part):
    """`generation_config.video_config`."""

    task: Literal["text_to_video", "image_to_video", "reference_to_video", "edit", "extend", "upscale"] | None = None


class OmniConfig(_Part):
    """`generation_config` of a video. Temperature and similar fields are not supported."""

    seed: int | None = Field(default=None, ge=-(2**31), le=2**31 - 1)
    video_config: VideoConfig = VideoConfig()


class OmniCreate(_Create):
    """The create of a video."""

    response_format: VideoFormat | Annotated[list[VideoFormat], Field(min_length=1, max_length=1)]
    generation_config: OmniConfig = OmniConfig()

    @property
    def format(self) -> VideoFormat:
        """The requested format of the video."""
        return self.response_format[0] if isinstance(self.response_format, list) else self.response_format

    def spec(self) -> MediaSpec:
        self._check()
        seconds = int(self.format.duration.removesuffix("s"))
        longest = _LONGEST_SECONDS[self.model]
        if not _SHORTEST_SECONDS <= seconds <= longest:
            raise GeminiError(400, f"response_format.duration: should be {_SHORTEST_SECONDS}s to {longest}s")
        short = _LINES[self.format.resolution]
        size = (short * 16 // 9, short)
        width, height = size if self.format.aspect_ratio == "16:9" else size[::-1]
        return MediaSpec(
            format="mp4", width=width, height=height, duration_seconds=seconds, frame_rate=_FRAME_RATE, sound=True
        )

    def _check(self) -> None:
        images, videos = (sum(part.type == kind for part in self.contents()) for kind in ("image", "video"))
        if images > _MOST_OMNI_IMAGES or videos > 1:
            raise GeminiError(400, f"input: at most {_MOST_OMNI_IMAGES} images and one video are supported")
        fits = {
            None: True,
            "text_to_video": images == videos == 0,
            "image_to_video": images > 0 and videos == 0,
            "reference_to_video": images > 0,
        }
        task = self.generation_config.video_config.task
        if not fits.get(task, videos == 1):
            raise GeminiError(400, f"generation_config.video_config.task: the input is not one for {task}")


class ImageFormat(_Part):
    """`response_format` of a picture."""

    type: Literal["image"]
    aspect_ratio: str = "1:1"
    image_size: str = "1K"
    mime_type: Literal["image/jpeg"] | None = None
    delivery: Literal["inline", "uri"] = "inline"


class BananaConfig(_Part):
    """`generation_config` of a picture. The sandbox takes none of its fields."""


class BananaCreate(_Create):
    """The create of a picture."""

    response_format: ImageFormat | Annotated[list[ImageFormat], Field(min_length=1, max_length=1)]
    generation_config: BananaConfig = BananaConfig()

    @property
    def format(self) -> ImageFormat:
        """The requested format of the picture."""
        return self.response_format[0] if isinstance(self.response_format, list) else self.response_format

    def spec(self) -> MediaSpec:
        ratios, sizes, most = _IMAGE_MODELS[self.model]
        if self.format.aspect_ratio not in ratios:
            raise GeminiError(400, f"response_format.aspect_ratio: should be one of {', '.join(ratios)}")
        if self.format.image_size not in sizes:
            raise GeminiError(400, f"response_format.image_size: should be one of {', '.join(sizes)}")
        if any(part.type == "video" for part in self.contents()):
            raise GeminiError(400, "input: videos are not supported")
        if sum(part.type == "image" for part in self.contents()) > most:
            raise GeminiError(400, f"input: at most {most} images are supported")
        wide, high = map(int, self.format.aspect_ratio.split(":"))
        side = _PIXELS[self.format.image_size]
        # As many pixels as the square has, in steps of 16: close to Google's tables.
        width, height = (max(16, round(side * math.sqrt(shape) / 16) * 16) for shape in (wide / high, high / wide))
        return MediaSpec(format="jpg" if self.format.mime_type else "png", width=width, height=height)


def read_create(body: JsonObject) -> OmniCreate | BananaCreate:
    """The validated body. Raises `GeminiError`: 404 for an unknown model, 400 for anything else."""
    model = body.get("model")
    if model not in MODELS:
        raise GeminiError(404, f"models/{model} is not found for API version v1beta")
    wanted: type[OmniCreate | BananaCreate] = OmniCreate if model in _LONGEST_SECONDS else BananaCreate
    try:
        create = wanted.model_validate(body)
    except ValidationError as error:
        raise GeminiError(400, f"Request contains an invalid argument. {sentences(error)}") from None
    if create.background and not create.store:
        raise GeminiError(400, "background: an interaction that is not stored cannot run in the background")
    if create.webhook_config is not None and not create.background:
        raise GeminiError(400, "webhook_config: only an interaction in the background has webhooks")
    return create


def prompt_of(body: JsonObject) -> str:
    """The prompt for scenarios and counts, even of an invalid body: all text of the input."""

    def texts(value: object) -> list[str]:
        match value:
            case str():
                return [value]
            case {"text": str(text)}:
                return [text]
            case {"content": content}:
                return texts(content)
            case list():
                return [text for part in value for text in texts(part)]
            case _:
                return []

    return " ".join(texts(body.get("input")))
