"""The turns that bring a picture upright."""

import struct
from contextlib import suppress

from PIL import Image
from PIL.Image import Transpose

# The values of EXIF's tag Orientation that are not upright.
_ORIENTATION = 0x0112
_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}

_ON_ITS_SIDE = frozenset({Transpose.TRANSPOSE, Transpose.TRANSVERSE, Transpose.ROTATE_90, Transpose.ROTATE_270})

# The directions in which a display matrix (ISO/IEC 14496-12, section 6.2.2) moves the right and the lower edge.
_OF_DIRECTIONS = {
    (-1, 1): Transpose.FLIP_LEFT_RIGHT,
    (1, -1): Transpose.FLIP_TOP_BOTTOM,
    (-1, -1): Transpose.ROTATE_180,
}
_OF_CROSSED_DIRECTIONS = {
    (1, -1): Transpose.ROTATE_270,
    (-1, 1): Transpose.ROTATE_90,
    (1, 1): Transpose.TRANSPOSE,
    (-1, -1): Transpose.TRANSVERSE,
}


def of_image(image: Image.Image) -> Transpose | None:
    """The turn that EXIF data asks for. None: the picture is upright, or its EXIF data is damaged."""
    with suppress(OSError, SyntaxError, ValueError, LookupError, TypeError, struct.error):
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    return None


def of_header(image: Image.Image) -> Transpose | None:
    """As `of_image`, without decoding. To find EXIF data behind the picture, Pillow decodes a PNG."""
    return None if image.format == "PNG" and "exif" not in image.info else of_image(image)


def of_matrix(matrix: bytes) -> Transpose | None:
    """The turn nearest to a display matrix: nine numbers of 32 bits in the machine's byte order."""
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
    if abs(b) > abs(a):
        return _OF_CROSSED_DIRECTIONS.get((_sign(b), _sign(c)))
    return _OF_DIRECTIONS.get((_sign(a), _sign(d)))


def turned(size: tuple[int, int], turn: Transpose | None) -> tuple[int, int]:
    """Width and height after the turn."""
    width, height = size
    return (height, width) if turn in _ON_ITS_SIDE else (width, height)


def _sign(number: int) -> int:
    return -1 if number < 0 else 1
