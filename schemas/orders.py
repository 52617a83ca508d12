"""A request as a customer writes it, and the order that the catalogue makes of it."""

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, field_validator

from schemas.enums import Kind
from schemas.names import ProviderName

LONGEST_DEADLINE_SECONDS = 86_400


class GenerationRequest(BaseModel):
    """One image or video to make. What is left out takes the model's default."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {"model": "nano-banana", "prompt": "a lighthouse in fog", "aspect_ratio": "16:9"},
                {
                    "model": "kling-2.6-text-to-video",
                    "prompt": "a paper boat on a rainy street",
                    "duration_seconds": 5,
                    "aspect_ratio": "9:16",
                    "audio": False,
                },
            ]
        },
    )

    model: str = Field(description="a name or alias from GET /v1/models", min_length=1, max_length=200)
    prompt: str = Field(description="what to make", min_length=1, max_length=20_000)
    image_urls: list[HttpUrl] = Field(default=[], description="input images, where the model takes them", max_length=14)
    aspect_ratio: str | None = Field(default=None, description='width:height, e.g. "16:9"', max_length=20)
    resolution: str | None = Field(default=None, description='e.g. "1K" or "720p"', max_length=20)
    duration_seconds: int | None = Field(default=None, description="length of a video in seconds", gt=0, le=600)
    audio: bool | None = Field(default=None, description="whether a video has sound")
    output_format: str | None = Field(default=None, description='image file format, e.g. "png"', max_length=20)
    deadline_seconds: int | None = Field(
        default=None,
        description="seconds from acceptance to timeout; the credits come back",
        ge=10,
        le=LONGEST_DEADLINE_SECONDS,
    )
    metadata: dict[str, str] = Field(default={}, description="returned as it is; up to 16 entries", max_length=16)

    @field_validator("prompt")
    @classmethod
    def _not_blank(cls, prompt: str) -> str:
        if not _is_storable(prompt):
            raise ValueError("must be text without the NUL character and without lone surrogates")
        if not prompt.strip():
            raise ValueError("must not be blank")
        return prompt

    @field_validator("metadata")
    @classmethod
    def _short_entries(cls, metadata: dict[str, str]) -> dict[str, str]:
        for key, value in metadata.items():
            if len(key) > 64 or len(value) > 512:
                raise ValueError("keys take up to 64 and values up to 512 characters")
            if not _is_storable(key + value):
                raise ValueError("must be text without the NUL character and without lone surrogates")
        return metadata


def _is_storable(text: str) -> bool:
    """Whether PostgreSQL takes a text: UTF-8 without NUL."""
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False


class Inputs(BaseModel):
    """What is ordered of a model, with every default filled in: the same for each of its routes."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    prompt: str
    image_urls: list[str] = []
    aspect_ratio: str | None = None
    resolution: str | None = None
    duration_seconds: int | None = None
    audio: bool | None = None
    output_format: str | None = None


class Route(BaseModel):
    """A provider's model that serves a model of ours."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    provider: ProviderName
    model: str = Field(description="the vendor's name of the model")


class Order(BaseModel):
    """A request that the catalogue accepted: resolved, complete and priced."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    kind: Kind
    model: str
    routes: list[Route] = Field(min_length=1)
    inputs: Inputs
    credits: int = Field(gt=0, description="the price, held until the generation ends")
    file_extension: str = Field(description="of the stored result, without a dot")
    deadline_seconds: float | None = Field(default=None, description="asked for by the request or set by the model")
    metadata: dict[str, str] = {}
