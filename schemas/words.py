"""Words of other APIs for values of a request, and the values that they mean here. Every door takes these words."""

from collections.abc import Mapping
from typing import Final, TypeVar

from pydantic import BeforeValidator

T = TypeVar("T")

ASPECT_RATIOS: Final = {"landscape": "16:9", "portrait": "9:16", "square": "1:1"}
MOTIONS: Final = {"low": 0.25, "medium": 0.5, "high": 0.75}
STYLES: Final = {"realistic": "photorealistic", "3d": "3d-animation"}
OUTPUT_FORMATS: Final = {"jpg": "jpeg"}

LENGTHS: Final = ("nFrames", "n_frames")
"""Further names of `duration_seconds`. Kie's Sora called seconds so."""
SHAPES: Final = ("image_size",)
"""Further names of `aspect_ratio`. Kie's Nano Banana called the aspect ratio so."""


def meaning(words: Mapping[str, object]) -> BeforeValidator:
    """Puts the value in place of a word, in any case of letters. Leaves any other value alone."""

    def meant(value: T) -> T | object:
        return words.get(value.lower(), value) if isinstance(value, str) else value

    return BeforeValidator(meant)


def listed(words: Mapping[str, object]) -> str:
    """The words with their values, for a description."""
    return ", ".join(f"`{word}` ({value})" for word, value in words.items())
