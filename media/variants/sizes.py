"""The sizes of variants. No variant is larger than its result."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Placed:
    """How a picture comes to its new size: scaled, and then cut to its middle."""

    scaled: tuple[int, int]
    """Width and height after the scaling."""
    cut: tuple[int, int]
    """Width and height after the cut: the size of the variant."""


def place(size: tuple[int, int], width: int | None, height: int | None, fit: str, *, step: Literal[1, 2]) -> Placed:
    """The new size of a picture.

    Args:
        size: width and height of the picture, upright and with square pixels.
        width: the most width. None: no limit.
        height: the most height. None: no limit.
        fit: `contain`, or `cover`, which needs both limits.
        step: edges are multiples of this. Codecs of videos need even edges.
    """
    if fit == "cover" and width and height:
        # The box shrinks to the picture: nothing is enlarged.
        shrink = min(1.0, size[0] / width, size[1] / height)
        box = _edge(width * shrink, step), _edge(height * shrink, step)
        scale = max(box[0] / size[0], box[1] / size[1])
        scaled = max(box[0], _edge(size[0] * scale, step)), max(box[1], _edge(size[1] * scale, step))
        return Placed(scaled, box)
    scale = min(1.0, (width or size[0]) / size[0], (height or size[1]) / size[1])
    scaled = _edge(size[0] * scale, step), _edge(size[1] * scale, step)
    return Placed(scaled, scaled)


def _edge(pixels: float, step: int) -> int:
    """The nearest edge, but no larger one than its limit where edges are even."""
    return max(step, round(pixels) // step * step)
