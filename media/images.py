"""Reads still pictures and animations with Pillow."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO

from pi_heif import register_heif_opener
from PIL import AvifImagePlugin, Image
from PIL.Image import Transpose

from media import image_files, orientation
from media.cursor import Cursor
from media.limits import MOST_IMAGE_BYTES, memory_of_image, reason_not_to_decode
from media.posters import poster
from media.reading import Probe, Reading
from schemas.errors import ResultInvalid
from schemas.media_types import AVIF, HEIC, MediaType

# `_first_picture` checks the limit. Pillow's own limit would hide the size of a larger picture.
Image.MAX_IMAGE_PIXELS = None
# Each thread of a decoder needs memory, so the memory would depend on the machine.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
register_heif_opener(decode_threads=1)

Tell = Callable[[Probe], None]

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


def read_image(file: BinaryIO, media: MediaType, memory_bytes: int, tell: Tell) -> Reading:
    """Read a still picture by decoding it. Of an animation, read the first picture.

    Raises:
        ResultInvalid: the file is cut or damaged.
    """
    cursor = _cursor(file)
    image_files.pauses(cursor, media)
    with opened_image(file, media) as image:
        return _first_picture(
            image, Probe(*image.size, media.codec), tell, with_poster=media in _NEEDS_POSTER,
            needed=memory_of_image(*image.size, media, size_bytes=cursor.size, with_poster=media in _NEEDS_POSTER),
            memory_bytes=memory_bytes,
        )  # fmt: skip


def read_animation(file: BinaryIO, media: MediaType, memory_bytes: int, tell: Tell) -> Reading:
    """Read an animation, and make a poster of its first picture.

    Raises:
        ResultInvalid: the file is cut or damaged, or holds a single picture.
    """
    cursor = _cursor(file)
    pauses = image_files.pauses(cursor, media)
    if len(pauses) < 2:
        raise ResultInvalid("the file is a still picture, where a video was ordered")
    seconds = sum(pauses)
    with opened_image(file, media) as image:
        probe = Probe(
            *image.size,
            media.codec,
            duration_seconds=seconds,
            frame_rate=len(pauses) / seconds,
            bit_rate=round(cursor.size * 8 / seconds),
        )
        needed = memory_of_image(*image.size, media, size_bytes=cursor.size, with_poster=True)
        return _first_picture(image, probe, tell, with_poster=True, needed=needed, memory_bytes=memory_bytes)


def _cursor(file: BinaryIO) -> Cursor:
    cursor = Cursor(file)
    if cursor.size > MOST_IMAGE_BYTES:
        raise ResultInvalid(f"the image has {cursor.size} bytes, and {MOST_IMAGE_BYTES} are the limit")
    return cursor


def _first_picture(
    image: Image.Image, probe: Probe, tell: Tell, *, with_poster: bool, needed: int, memory_bytes: int
) -> Reading:
    """Decode the picture, if its memory is within the limit, and make a poster."""
    header = _upright(probe, orientation.of_header(image))
    tell(header)
    undecoded = reason_not_to_decode(*image.size, needed=needed, memory_bytes=memory_bytes)
    if undecoded is not None:
        return Reading(header, None, undecoded)
    image.load()
    turn = orientation.of_image(image)
    still = poster(image if turn is None else image.transpose(turn)) if with_poster else None
    return Reading(_upright(probe, turn), still)


def _upright(probe: Probe, turn: Transpose | None) -> Probe:
    width, height = orientation.turned((probe.width, probe.height), turn)
    return replace(probe, width=width, height=height)


@contextmanager
def opened_image(file: BinaryIO, media: MediaType) -> Iterator[Image.Image]:
    """Open a picture. Pillow decodes it later.

    Raises:
        ResultInvalid: the file is damaged.
    """
    file.seek(0)
    with damages_told(), Image.open(file, formats=[media.plugin]) as image:
        yield image


@contextmanager
def damages_told() -> Iterator[None]:
    """Raise `ResultInvalid` in place of the errors of Pillow's decoders."""
    try:
        yield
    except _DAMAGED as error:
        if isinstance(error, ResultInvalid):
            raise
        raise ResultInvalid("the image cannot be decoded: its file is damaged") from error
