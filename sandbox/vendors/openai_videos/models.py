"""The Videos API in the sandbox: the fields of a create and of a list, and the files that the models deliver.

Fields and values are those of `videos.create` in OpenAI's client. Unknown fields are refused: the sandbox finds a
misspelt field before a vendor bills for it.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.media import MediaSpec
from sandbox.openai_errors import OpenAIError
from sandbox.task import JsonObject
from sandbox.validation import HttpUrlText

MAX_REFERENCE_BYTES = 20 * 1024**2

_LONGEST_PAGE = 100
_FRAME_RATE = 30
_SIZES = ("720x1280", "1280x720", "1024x1792", "1792x1024")
_MODELS = {
    **dict.fromkeys(("sora-2", "sora-2-2025-10-06", "sora-2-2025-12-08"), _SIZES),
    **dict.fromkeys(("sora-2-pro", "sora-2-pro-2025-10-06"), (*_SIZES, "1080x1920", "1920x1080")),
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


P = TypeVar("P", bound=_Part)


class ImageReference(_Part):
    """`input_reference` of a JSON create: the URL of a picture."""

    image_url: HttpUrlText


class FileReference(_Part):
    """`input_reference` of a JSON create: the id of an uploaded file."""

    file_id: str


class VideoCreate(_Part):
    """The fields of a create, apart from the picture of a form."""

    prompt: Annotated[str, Field(min_length=1)]
    model: str = "sora-2"
    seconds: Literal["4", "8", "12", "16", "20"] = "4"
    size: str = _SIZES[0]
    input_reference: ImageReference | FileReference | None = None

    def image_sources(self) -> tuple[str, ...]:
        """The URLs of the pictures that the vendor fetches."""
        return (self.input_reference.image_url,) if isinstance(self.input_reference, ImageReference) else ()

    def spec(self) -> MediaSpec:
        """The file that the model delivers."""
        width, height = (int(side) for side in self.size.split("x"))
        return MediaSpec(
            format="mp4",
            width=width,
            height=height,
            duration_seconds=int(self.seconds),
            frame_rate=_FRAME_RATE,
            sound=True,
        )


class VideoList(_Part):
    """The query of a list: the page and the order."""

    after: str | None = None
    limit: Annotated[int, Field(ge=0, le=_LONGEST_PAGE, strict=False)] = 20
    order: Literal["asc", "desc"] = "desc"


def read_create(fields: JsonObject) -> VideoCreate:
    """The validated fields. Raises `OpenAIError` 400."""
    create = _validated(VideoCreate, fields)
    if create.model not in _MODELS:
        message = f"The model '{create.model}' does not exist; known are {', '.join(_MODELS)}"
        raise OpenAIError(400, message, param="model", reason="model_not_found")
    if create.size not in _MODELS[create.model]:
        message = f"Invalid value for 'size': {create.model} makes {', '.join(_MODELS[create.model])}"
        raise OpenAIError(400, message, param="size")
    if isinstance(create.input_reference, FileReference):
        raise OpenAIError(404, f"No such File object: {create.input_reference.file_id}", param="input_reference")
    return create


def read_list(query: dict[str, str]) -> VideoList:
    """The validated query. Raises `OpenAIError` 400."""
    return _validated(VideoList, query)


def _validated(part: type[P], fields: Mapping[str, object]) -> P:
    try:
        return part.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        param = str(first["loc"][0])
        raise OpenAIError(400, f"Invalid value for '{param}': {first['msg']}", param=param) from None
