"""What the sandbox knows of OpenAI's Images API: the fields of a create, and what the model delivers.

Fields and values are those of `images.generate` in OpenAI's client, and of them what was documented for `dall-e-3`,
the last model of OpenAI that answered with links. Unknown fields are refused, so that a misspelt one is noticed here
and not on a bill.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.media import MediaSpec
from sandbox.openai_errors import OpenAIError
from sandbox.task import JsonObject

MODEL: Final = "dall-e-3"


class PictureCreate(BaseModel):
    """The fields of a create."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    prompt: Annotated[str, Field(min_length=1, max_length=4000)]
    model: str
    n: Literal[1] = 1
    size: Literal["1024x1024", "1792x1024", "1024x1792"] = "1024x1024"
    quality: Literal["standard", "hd"] = "standard"
    style: Literal["vivid", "natural"] = "vivid"
    response_format: Literal["url", "b64_json"] = "url"
    user: str | None = None

    def spec(self) -> MediaSpec:
        """What is delivered."""
        width, height = (int(side) for side in self.size.split("x"))
        return MediaSpec(format="png", width=width, height=height)


def read_create(fields: JsonObject) -> PictureCreate:
    """The validated fields. Raises `OpenAIError` 400."""
    try:
        create = PictureCreate.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        param = str(first["loc"][0])
        raise OpenAIError(400, f"Invalid value for '{param}': {first['msg']}", param=param) from None
    if create.model != MODEL:
        message = f"The model '{create.model}' does not exist; known is {MODEL}"
        raise OpenAIError(400, message, param="model", reason="model_not_found")
    return create


def text_of(fields: JsonObject, name: str) -> str:
    """What scenarios and counts go by, even when the fields are not valid."""
    text = fields.get(name)
    return text if isinstance(text, str) else ""
