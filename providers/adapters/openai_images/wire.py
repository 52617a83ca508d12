"""OpenAI's wire for images, as data and pure functions: fields and results.

Source: `resources/images.py` and `types/image*.py` of https://github.com/openai/openai-python, unless a line names
another. `providers/adapters/openai_wire.py` has the parts that OpenAI's APIs share.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from providers.adapters.links import file_links
from providers.adapters.payload import Payload
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

# `size` is width x height. `dall-e-3` has three sizes, two of which are close to 16:9 and 9:16. OpenAI's current models
# take any size whose sides are divisible by 16; for 2.6, the client names only the standard sizes.
_DALL_E_SIZES: Final = {"1:1": "1024x1024", "16:9": "1792x1024", "9:16": "1024x1792"}
_STANDARD_SIZES: Final = {"1:1": "1024x1024", "3:2": "1536x1024", "2:3": "1024x1536"}
_GPT_SIZES: Final = {**_STANDARD_SIZES, "16:9": "1536x864", "9:16": "864x1536"}
SIZES: Final[Mapping[str, Mapping[str, str]]] = {
    "dall-e-3": _DALL_E_SIZES,
    "gpt-image-2.5-flare": _GPT_SIZES,
    "gpt-image-2.6-flare": _STANDARD_SIZES,
}
"""The sizes of each model by aspect ratio."""

# Without a quality, the vendor chooses one, and bills up to forty times as much for the best as for the worst.
_QUALITY: Final = "high"

# The models that can answer with a link. All other models return the image, take no `response_format`, and take a file
# format: `response_format` of `images.generate` in OpenAI's client.
_ANSWER_WITH_LINKS: Final = frozenset({"dall-e-3"})


class Pictures(Payload):
    """The answer to a create. It is read without `b64_json` and `data:` URIs, which are the image itself."""

    data: list[JsonValue]

    @property
    def link(self) -> str | None:
        """The link to the image, or a path at the account's address; None if the answer has none."""
        pictures = [picture.get("url") if isinstance(picture, dict) else picture for picture in self.data]
        return next(iter(file_links(pictures, or_paths=True)), None)


def to_body(model: str, inputs: Inputs) -> dict[str, object]:
    """The body of a create.

    Raises:
        ProviderRejected: this version no longer supports the model or the size of an old order.
    """
    size = SIZES.get(model, {}).get(inputs.aspect_ratio or "")
    if size is None:
        raise ProviderRejected(f"openai_images makes no picture of {inputs.aspect_ratio} with {model}")
    body: dict[str, object] = {"model": model, "prompt": inputs.prompt, "n": 1, "size": size}
    if model in _ANSWER_WITH_LINKS:
        return {**body, "response_format": "url"}
    return {**body, "output_format": inputs.output_format, "quality": _QUALITY}
