"""Reads a media file of any supported format."""

from typing import BinaryIO

from media.images import read_animation, read_image
from media.reading import Reading
from media.videos import read_video
from schemas.enums import Kind
from schemas.media_types import MediaType


def read(file: BinaryIO, media: MediaType, kind: Kind) -> Reading:
    """Read a file as an image or as a video.

    Args:
        file: a seekable file.
        media: the format that the first bytes show. No decoder guesses another format.
        kind: what was ordered. An animation in a format of images can serve as a video.

    Raises:
        ResultInvalid: the file is cut, is damaged, or is not of the kind.
    """
    if kind is Kind.IMAGE:
        return read_image(file, media)
    return read_video(file, media) if media.demuxer else read_animation(file, media)
