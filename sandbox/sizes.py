"""The sizes that a model delivers, one for each shape."""

from collections.abc import Mapping
from typing import Protocol

Size = tuple[int, int]


class Sized(Protocol):
    """A picture or a video that is given."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...


def size_of(sizes: Mapping[str, Size], ratio: str, source: Sized | None) -> Size:
    """The size for an aspect ratio; for "auto" the one that is nearest to the source's shape, square without one."""
    if ratio != "auto":
        return sizes[ratio]
    if source is None:
        return sizes["1:1"]
    shape = source.width / source.height
    return min(sizes.values(), key=lambda size: abs(size[0] / size[1] - shape))
