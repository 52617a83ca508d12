"""The fields of a video order: OpenAI's, and those that other gateways add."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.openai.sizes import SIZE
from gateway.openai.video_ids import parsed
from schemas.inputs import InputUrl, upload_url
from schemas.orders import LARGEST_SEED, OptionalWholeNumber, TurnFields
from schemas.text import Name, OptionalName, OptionalProse, Prose
from schemas.webhook_urls import EndpointUrl

AUTO: Final = "auto"
"""The word of clients that leave a choice to the model."""

_REFERENCE_KEYS = frozenset({"type", "image_url", "file_id"})

_REFERENCE = "must be a URL, upload:ID, a `data:` URI, a file, or an object with `image_url` or `file_id`"


def _reference(value: object) -> object:
    """The URL of a reference, from a text or from an object. A bare id is that of an upload."""
    if isinstance(value, str):
        return upload_url(upload_id) if (upload_id := parsed(value)) and not value.startswith("video_") else value
    if not isinstance(value, dict) or not value.keys() <= _REFERENCE_KEYS:
        raise ValueError(_REFERENCE)
    image, file_id = value.get("image_url"), value.get("file_id")
    if isinstance(image, dict):
        image = image.get("url")
    if (image is None) == (file_id is None):
        raise ValueError(_REFERENCE)
    return image if file_id is None else _of_file_id(file_id)


def _of_file_id(file_id: object) -> str:
    """The URL of an upload, or of an image that was made here, by its id."""
    text = str(file_id)
    found = parsed(text.removeprefix("upload:").removeprefix("file-"))
    if found is None:
        raise ValueError("file_id must be the id of an upload of yours: POST /v1/uploads answers with one")
    return upload_url(found)


Reference = Annotated[InputUrl, BeforeValidator(_reference)]
"""A picture, as this dialect writes it."""


def _pixels(size: str) -> str:
    if size != AUTO and not SIZE.fullmatch(size):
        raise ValueError("must be WIDTHxHEIGHT in pixels, such as 1280x720")
    return size


class FrameImage(BaseModel):
    """A picture that a video begins or ends with."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    type: Literal["image_url"] = "image_url"
    """The type of the entry."""
    image_url: Reference = Field(description='a URL, or `{"url": URL}`')
    frame_type: Literal["first_frame", "last_frame"] = Field(
        default="first_frame", description="whether the video begins or ends with the picture"
    )

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        """Take the object of OpenRouter's form: `image_url: {url}`."""
        if isinstance(value, dict) and isinstance(value.get("image_url"), dict):
            return {**value, "image_url": value["image_url"].get("url")}
        return value


class VideoFields(TurnFields):
    """The fields of a video order. Null, or an empty text, means that a field is left out."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {"model": "sora-2", "prompt": "a paper boat on a rainy street", "seconds": "4", "size": "1280x720"}
            ]
        },
    )

    prompt: Prose = Field(description="what to make", min_length=1, max_length=20_000)
    model: OptionalName = Field(
        default=None, description="a name from GET /openai/v1/models; left out: `sora-2`", max_length=200
    )
    seconds: OptionalWholeNumber = Field(default=None, description="the length; a text or a number", gt=0, le=600)
    size: Annotated[str, AfterValidator(_pixels)] | None = Field(
        default=None, description="WIDTHxHEIGHT: the shape and the resolution; or `auto`", max_length=20
    )
    input_reference: Reference | None = Field(
        default=None,
        description="the first picture: a file, a URL, `upload:ID`, a `data:` URI, or an object with `image_url` or "
        "`file_id`",
    )
    duration: OptionalWholeNumber = Field(default=None, description="in place of `seconds`", gt=0, le=600)
    resolution: OptionalName = Field(default=None, description='in place of `size`: "720p"', max_length=20)
    aspect_ratio: OptionalName = Field(default=None, description='in place of `size`: "16:9"', max_length=20)
    generate_audio: bool | None = Field(default=None, description="whether the video has sound")
    quality: OptionalName = Field(default=None, description="taken, and not used", max_length=20)
    seed: OptionalWholeNumber = Field(default=None, description="for a similar result", ge=0, le=LARGEST_SEED)
    negative_prompt: OptionalProse = Field(
        default=None, description="what to keep out", min_length=1, max_length=20_000
    )
    frame_images: list[FrameImage] = Field(default=[], description="the first and the last picture", max_length=2)
    input_references: list[Reference] = Field(
        default=[], description="pictures of what the video shows, as `input_reference`", max_length=14
    )
    metadata: dict[Name, Prose] = Field(default={}, description="kept with the video; up to 15 entries", max_length=15)
    user: OptionalName = Field(default=None, description="the end user; kept as metadata", max_length=512)
    callback_url: EndpointUrl | None = Field(
        default=None, description="where a signed message goes when the video ends; https"
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, values: Any) -> Any:
        """Leave out null, and the empty texts that forms have for fields without a value."""
        if not isinstance(values, dict):
            return values
        return {
            name: value for name, value in values.items() if value is not None and (value != "" or name == "prompt")
        }

    def as_sent(self) -> dict[str, object]:
        """The fields that the request has, in values of JSON."""
        return self.model_dump(mode="json", exclude_unset=True)
