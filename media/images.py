"""Reads still pictures and animations with Pillow."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from pi_heif import register_heif_opener
from PIL import Image

from media import image_files, orientation
from media.cursor import Cursor
from media.limits import MOST_IMAGE_BYTES, reason_not_to_decode
from media.posters import poster
from media.reading import Poster, Probe, Reading
from schemas.errors import ResultInvalid
from schemas.media_types import AVIF, HEIC, MediaType

# `_decoded` checks the limit. Pillow's own limit would hide the size of a larger picture.
Image.MAX_IMAGE_PIXELS = None
register_heif_opener()

# Not every viewer shows these formats.
_NEEDS_POSTER = frozenset({AVIF, HEIC})

# Pillow's decoders raise all of these for damaged files.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    ArithmeticError,
    LookupError,
    TypeError,
    RuntimeError,
    struct.error,
)


def read_image(file: BinaryIO, media: MediaType) -> Reading:
    """Read a still picture by decoding it. Of an animation, read the first picture.

    Raises:
        ResultInvalid: the file is cut or damaged.
    """
    cursor = _cursor(file)
    image_files.pauses(cursor, media)
    (width, height), still, undecoded = _first_picture(file, media, with_poster=media in _NEEDS_POSTER)
    return Reading(Probe(width, height, media.codec), still, undecoded)


def read_animation(file: BinaryIO, media: MediaType) -> Reading:
    """Read an animation, and make a poster of its first picture.

    Raises:
        ResultInvalid: the file is cut or damaged, or holds a single picture.
    """
    cursor = _cursor(file)
    pauses = image_files.pauses(cursor, media)
    if len(pauses) < 2:
        raise ResultInvalid("the file is a still picture, where a video was ordered")
    seconds = sum(pauses)
    (width, height), still, undecoded = _first_picture(file, media, with_poster=True)
    probe = Probe(
        width,
        height,
        media.codec,
        duration_seconds=seconds,
        frame_rate=len(pauses) / seconds,
        bit_rate=round(cursor.size * 8 / seconds),
    )
    return Reading(probe, still, undecoded)


def _cursor(file: BinaryIO) -> Cursor:
    cursor = Cursor(file)
    if cursor.size > MOST_IMAGE_BYTES:
        raise ResultInvalid(f"the image has {cursor.size} bytes, and {MOST_IMAGE_BYTES} are the limit")
    return cursor


def _first_picture(
    file: BinaryIO, media: MediaType, *, with_poster: bool
) -> tuple[tuple[int, int], Poster | None, str | None]:
    """The size of the upright picture, a poster, and the reason why the picture was not decoded."""
    file.seek(0)
    with _damages_told(), Image.open(file, formats=[media.plugin]) as image:
        undecoded = reason_not_to_decode(*image.size)
        if undecoded is None:
            image.load()
        turn = orientation.of_image(image)
        size = orientation.turned(image.size, turn)
        if undecoded is not None or not with_poster:
            return size, None, undecoded
        return size, poster(image.copy() if turn is None else image.transpose(turn)), None


@contextmanager
def _damages_told() -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        if isinstance(error, ResultInvalid):
            raise
        raise ResultInvalid("the image cannot be decoded: its file is damaged") from error
