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
