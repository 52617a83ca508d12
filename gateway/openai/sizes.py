"""`size` of a video, such as `1280x720`: its shape and its resolution, and back."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

SIZE: Final = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")

UNKNOWN: Final = "auto"
"""The size of a video whose shape follows from a picture, before its end."""

_SHAPES: Final = tuple(
    Fraction(*map(int, shape.split(":")))
    for shape in ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "5:4", "4:5", "21:9", "9:21", "2:1", "1:2")
)

_SIDES: Final[Mapping[str, int]] = {
    "480p": 480, "540p": 540, "720p": 720, "768p": 768, "1080p": 1080, "1440p": 1440, "4k": 2160,
}  # fmt: skip
"""The shorter side of a video of each resolution."""

# Encoders round sides to multiples of 16 or 64: OpenAI's 1792x1024 is 16:9 and 1080p in this sense.
_NEAR_SHAPE = Fraction(103, 100)
_NEAR_SIDE = Fraction(107, 100)

_USUAL_SIDE = 720


def shape_of(size: str) -> tuple[str, str]:
    """The aspect ratio and the resolution of a size: the usual ones where they are near, else the exact ones."""
    width, height = map(int, size.split("x"))
    shape, side = Fraction(width, height), min(width, height)
    near_shape = min(_SHAPES, key=lambda one: _ratio(one, shape))
    if _ratio(near_shape, shape) <= _NEAR_SHAPE:
        shape = near_shape
    name = min(_SIDES, key=lambda one: _ratio(Fraction(_SIDES[one]), Fraction(side)))
    near_side = _ratio(Fraction(_SIDES[name]), Fraction(side)) <= _NEAR_SIDE
    return _written(shape), name if near_side else f"{side}p"


def size_of(aspect_ratio: str | None, resolution: str | None) -> str:
    """The size of a video that is not made yet. Models without a choice of resolution make 720p, or near it."""
    match = re.fullmatch(r"([1-9][0-9]?):([1-9][0-9]?)", aspect_ratio or "")
    if match is None:
        return UNKNOWN
    shape = Fraction(int(match[1]), int(match[2]))
    side = _SIDES.get((resolution or "").lower(), _USUAL_SIDE)
    width, height = (side * shape, side) if shape >= 1 else (side, side / shape)
    return f"{_even(width)}x{_even(height)}"


def _ratio(one: Fraction, other: Fraction) -> Fraction:
    return max(one / other, other / one)


def _written(shape: Fraction) -> str:
    # 21:9 is the name that vendors use for 7:3.
    names = {Fraction(21, 9): "21:9", Fraction(9, 21): "9:21"}
    return names.get(shape, f"{shape.numerator}:{shape.denominator}")


def _even(side: Fraction | int) -> int:
    return 2 * round(Fraction(side) / 2)
