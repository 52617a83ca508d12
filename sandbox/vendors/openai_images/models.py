"""OpenAI's Images API in the sandbox: the fields of a create and the file that the model delivers.

The fields and values are those that `images.generate` in OpenAI's client has and that OpenAI documents for two models:
`dall-e-3`, the last model that answered with links, and one of today's models, which answer with the picture itself.
Unknown fields are refused: the sandbox finds a misspelt field before a vendor bills for it.
"""

from abc import ABC, abstractmethod
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sandbox.media import MediaSpec
from sandbox.openai_errors import OpenAIError
from sandbox.task import JsonObject

_SIDE = 16
_LONGEST_SIDE = 3840
_WIDEST = 3


class PictureCreate(BaseModel, ABC):
    """The fields of a create that every model has."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    model: str
    """The model's name."""
    n: Literal[1] = 1
    """The number of pictures."""
    user: str | None = None
    """The end user's id. Accepted and ignored."""
    prompt: str
    """The prompt."""

    @property
    @abstractmethod
    def is_answered_with_the_picture(self) -> bool:
        """Whether the answer holds the picture itself instead of a link."""

    @abstractmethod
    def spec(self) -> MediaSpec:
        """The file that the model delivers."""

    def told(self) -> JsonObject:
        """The settings that the answer repeats."""
        return {}


class DallE3Create(PictureCreate):
    """The fields of `dall-e-3`."""

    prompt: Annotated[str, Field(min_length=1, max_length=4000)]
    size: Literal["1024x1024", "1792x1024", "1024x1792"] = "1024x1024"
    quality: Literal["standard", "hd"] = "standard"
    style: Literal["vivid", "natural"] = "vivid"
    response_format: Literal["url", "b64_json"] = "url"

    @property
    def is_answered_with_the_picture(self) -> bool:
        return self.response_format == "b64_json"

    def spec(self) -> MediaSpec:
        width, height = (int(side) for side in self.size.split("x"))
        return MediaSpec(format="png", width=width, height=height)


class GPTImageCreate(PictureCreate):
    """The fields of `gpt-image-2.5-flare`."""

    prompt: Annotated[str, Field(min_length=1, max_length=32_000)]
    size: Annotated[str, Field(pattern=r"^[1-9][0-9]{1,3}x[1-9][0-9]{1,3}$")] = "1024x1024"
    quality: Literal["auto", "low", "medium", "high", "xhigh", "max"] = "auto"
    background: Literal["auto", "opaque"] = "auto"
    moderation: Literal["auto", "low"] = "auto"
    output_format: Literal["png", "jpeg"] = Field(default="png", description="the sandbox makes these two")

    @field_validator("size")
    @classmethod
    def _can_be_made(cls, size: str) -> str:
        width, height = (int(side) for side in size.split("x"))
        if width % _SIDE or height % _SIDE or max(width, height) > min(_LONGEST_SIDE, _WIDEST * min(width, height)):
            raise ValueError("width and height must be divisible by 16, up to 3840, and between 1:3 and 3:1")
        return size

    @property
    def is_answered_with_the_picture(self) -> bool:
        return True

    def told(self) -> JsonObject:
        # With `auto`, the vendor chooses, and bills the choice: the sandbox takes the dearest.
        quality = "max" if self.quality == "auto" else self.quality
        return {"quality": quality, "size": self.size, "output_format": self.output_format}

    def spec(self) -> MediaSpec:
        width, height = (int(side) for side in self.size.split("x"))
        return MediaSpec(format="jpg" if self.output_format == "jpeg" else "png", width=width, height=height)


class GPTImage26Create(GPTImageCreate):
    """The fields of `gpt-image-2.6-flare`. The client documents the standard sizes and qualities."""

    size: Literal["1024x1024", "1536x1024", "1024x1536"] = "1024x1024"
    quality: Literal["auto", "low", "medium", "high"] = "auto"


MODELS: Final[dict[str, type[PictureCreate]]] = {
    "dall-e-3": DallE3Create,
    "gpt-image-2.5-flare": GPTImageCreate,
    "gpt-image-2.6-flare": GPTImage26Create,
}


def read_create(fields: JsonObject) -> PictureCreate:
    """The validated fields. Raises `OpenAIError` 400."""
    model = text_of(fields, "model")
    if model not in MODELS:
        message = f"The model '{model}' does not exist; known are {', '.join(MODELS)}"
        raise OpenAIError(400, message, param="model", reason="model_not_found")
    try:
        return MODELS[model].model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        param = str(first["loc"][0])
        raise OpenAIError(400, f"Invalid value for '{param}': {first['msg']}", param=param) from None


def text_of(fields: JsonObject, name: str) -> str:
    """The prompt for scenarios and counts, even of invalid fields."""
    text = fields.get(name)
    return text if isinstance(text, str) else ""
