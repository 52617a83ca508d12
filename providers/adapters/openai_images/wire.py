"""OpenAI's wire for pictures, as data and pure functions: fields and results.

Source: `resources/images.py` and `types/image*.py` of https://github.com/openai/openai-python, unless a line names
another. What all wires of OpenAI have is in `providers/adapters/openai_wire.py`.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import StringConstraints, TypeAdapter, ValidationError

from providers.adapters.openai_wire import Payload
from schemas.errors import ProviderRejected
from schemas.orders import Inputs

# `size` is width x height. `dall-e-3` has three, two of them the nearest to 16:9 and 9:16; OpenAI's models of today
# take any whose sides can be divided by 16.
_DALL_E_SIZES: Final = {"1:1": "1024x1024", "16:9": "1792x1024", "9:16": "1024x1792"}
_GPT_SIZES: Final = {
    "1:1": "1024x1024",
    "3:2": "1536x1024",
    "2:3": "1024x1536",
    "16:9": "1536x864",
    "9:16": "864x1536",
}
SIZES: Final[Mapping[str, Mapping[str, str]]] = {
    "dall-e-3": _DALL_E_SIZES,
    "gpt-image-2.5-flare": _GPT_SIZES,
}
"""The sizes of each model by aspect ratio."""

# Those that answer with a link where they are asked to. All others answer with the picture itself, choose no format of
# the answer, and let the format of the file be chosen: `response_format` of `images.generate` in OpenAI's client.
_ANSWER_WITH_LINKS: Final = frozenset({"dall-e-3"})

# It is stored until the picture is fetched.
_LINK: Final = TypeAdapter(Annotated[str, StringConstraints(pattern=r"^https?://[\x21-\x7e]{1,4000}$")])


class Picture(Payload):
    """One of `data`. `b64_json`, the picture itself, is taken out of the answer before it is read."""

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
        ProviderRejected: an old order for a model or a size that this version does not speak.
    """
    size = SIZES.get(model, {}).get(inputs.aspect_ratio or "")
    if size is None:
        raise ProviderRejected(f"openai_images makes no picture of {inputs.aspect_ratio} with {model}")
    body: dict[str, object] = {"model": model, "prompt": inputs.prompt, "n": 1, "size": size}
    if model in _ANSWER_WITH_LINKS:
        return {**body, "response_format": "url"}
    return {**body, "output_format": inputs.output_format}
