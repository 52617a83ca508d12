"""Reads a media file of any supported format."""

from collections.abc import Callable
from typing import BinaryIO

from media.images import read_animation, read_image
from media.limits import MEMORY_BYTES
from media.reading import Probe, Reading
from media.videos import read_video
from schemas.enums import Kind
from schemas.media_types import MediaType


def read(
    file: BinaryIO,
    media: MediaType,
    kind: Kind,
    *,
    memory_bytes: int = MEMORY_BYTES,
    tell: Callable[[Probe], None] = lambda _: None,
) -> Reading:
    """Read a file as an image or as a video.

    Args:
        file: a seekable file.
        media: the format that the first bytes show. No decoder guesses another format.
        kind: what was ordered. An animation in a format of images can serve as a video.
        memory_bytes: a picture that needs more memory than this is not decoded.
        tell: called with the facts of the header, before a picture is decoded.

    Raises:
        ResultInvalid: the file is cut, is damaged, or is not of the kind.
    """
    if kind is Kind.IMAGE:
        return read_image(file, media, memory_bytes, tell)
    if media.demuxer:
        return read_video(file, media, memory_bytes, tell)
    return read_animation(file, media, memory_bytes, tell)
