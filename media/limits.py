"""The limits within which pictures are decoded. They hold for every decoder."""

from schemas.media_types import AVIF, GIF, HEIC, JPEG, PNG, WEBP, MediaType

# 8K is 33 megapixels. Beyond this, a file of 2 MB unfolds into gigabytes of memory.
MOST_PIXELS = 64 * 1024 * 1024

# Pillow reads a whole file of some formats into memory.
MOST_IMAGE_BYTES = 256 * 1024 * 1024

MEMORY_BYTES = 512 * 1024**2
"""The memory for one file, unless the caller gives another limit."""

# Measured with Pillow's and FFmpeg's decoders: the most memory of a picture, in bytes for each pixel.
_BYTES_PER_PIXEL = {PNG: 4, JPEG: 12, GIF: 4, WEBP: 18, AVIF: 16, HEIC: 16}
_BYTES_PER_PIXEL_OF_VIDEOS = 12
# A poster needs an upright copy, and another copy if parts are transparent.
_BYTES_PER_PIXEL_OF_POSTERS = 8
# These decoders keep the file in memory, twice.
_COPIES = {WEBP: 2, AVIF: 2, HEIC: 2}

_MIB = 1024**2


def memory_of_image(width: int, height: int, media: MediaType, *, size_bytes: int, with_poster: bool) -> int:
    """The most memory that decoding an image takes."""
    per_pixel = _BYTES_PER_PIXEL[media] + (_BYTES_PER_PIXEL_OF_POSTERS if with_poster else 0)
    return width * height * per_pixel + _COPIES.get(media, 0) * size_bytes


def memory_of_video(width: int, height: int) -> int:
    """The most memory that decoding a key frame takes."""
    return width * height * _BYTES_PER_PIXEL_OF_VIDEOS


def reason_not_to_decode(width: int, height: int, *, needed: int, memory_bytes: int) -> str | None:
    """The reason why a picture of this size is not decoded. None if it may be decoded."""
    if width * height > MOST_PIXELS:
        return f"a picture of {width}x{height} is not decoded: {MOST_PIXELS // _MIB} megapixels are the limit"
    if needed > memory_bytes:
        return (
            f"a picture of {width}x{height} is not decoded: it needs {needed // _MIB} MiB of memory, "
            f"and {memory_bytes // _MIB} MiB are the limit"
        )
    return None
