"""The sizes that a model delivers, one for each aspect ratio."""

from collections.abc import Mapping
from typing import Protocol

Size = tuple[int, int]


class Sized(Protocol):
    """An input picture or video."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...


def size_of(sizes: Mapping[str, Size], ratio: str, source: Sized | None) -> Size:
    """The size for an aspect ratio. "auto" gives the size nearest to the source's shape, or a square."""
    if ratio != "auto":
        return sizes[ratio]
    if source is None:
        return sizes["1:1"]
    shape = source.width / source.height
    return min(sizes.values(), key=lambda size: abs(size[0] / size[1] - shape))


def shape_of(ratio: str, source: Sized | None) -> float:
    """Width by height. "auto" and "adaptive" give the source's shape, or 16:9."""
    if ratio in ("auto", "adaptive"):
        return source.width / source.height if source is not None else 16 / 9
    width, height = map(int, ratio.split(":"))
    return width / height


def with_short_side(shape: float, pixels: int) -> Size:
    """The size of this shape whose short side has this length. Both sides are even."""
    return (_even(pixels * shape), pixels) if shape >= 1 else (pixels, _even(pixels / shape))


def with_area_of(shape: float, pixels: int) -> Size:
    """The size of this shape that has the area of a square with this side. Both sides are even."""
    return _even(pixels * shape**0.5), _even(pixels / shape**0.5)


def _even(length: float) -> int:
    return round(length / 2) * 2
