"""OpenAI's wire for pictures, as data and pure functions: fields and results.

Source: `resources/images.py` and `types/image*.py` of https://github.com/openai/openai-python, unless a line names
another. What all wires of OpenAI have is in `providers/openai_wire.py`.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import StringConstraints, TypeAdapter, ValidationError

from providers.openai_wire import Payload
from schemas.errors import ProviderRejected
from schemas.orders import Inputs

# `size` is width x height. The wide and the tall ones of 1792 pixels, the nearest to 16:9 and 9:16, are those of
# `dall-e-3`, the ones of 1536 those of OpenAI's later models.
SIZES: Final[Mapping[str | None, str]] = {
    "1:1": "1024x1024",
    "3:2": "1536x1024",
    "2:3": "1024x1536",
    "16:9": "1792x1024",
    "9:16": "1024x1792",
}

# It is stored until the picture is fetched.
_LINK: Final = TypeAdapter(Annotated[str, StringConstraints(pattern=r"^https?://[\x21-\x7e]{1,4000}$")])


class Picture(Payload):
    """One of `data`. `b64_json`, the picture itself, is not read."""

    url: str | None = None

    @property
    def link(self) -> str | None:
        """Where the picture is; None where there is no link that could be followed."""
        try:
            return _LINK.validate_python(self.url)
        except ValidationError:
            return None


class Pictures(Payload):
    """The answer of a create."""

    data: list[Picture]


def to_body(model: str, inputs: Inputs) -> dict[str, object]:
    """The body of a create: what was ordered.

    Raises:
        ProviderRejected: an old order for a size that this version does not speak.
    """
    size = SIZES.get(inputs.aspect_ratio)
    if size is None:
        raise ProviderRejected(f"openai_images makes no picture of {inputs.aspect_ratio}")
    return {"model": model, "prompt": inputs.prompt, "n": 1, "size": size, "response_format": "url"}
