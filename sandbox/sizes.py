"""The sizes that a model delivers, one for each shape."""

from collections.abc import Mapping

from sandbox.media_store import SourceImage

Size = tuple[int, int]


def size_of(sizes: Mapping[str, Size], ratio: str, source: SourceImage | None) -> Size:
    """The size for an aspect ratio; for "auto" the one that is nearest to the picture's shape, square without one."""
    if ratio != "auto":
        return sizes[ratio]
    if source is None:
        return sizes["1:1"]
    shape = source.width / source.height
    return min(sizes.values(), key=lambda size: abs(size[0] / size[1] - shape))
