"""The limits within which pictures are decoded. They hold for every decoder."""

# 8K is 33 megapixels. Beyond this, a file of 2 MB unfolds into gigabytes of memory.
MOST_PIXELS = 64 * 1024 * 1024

# Pillow reads a whole file of some formats into memory.
MOST_IMAGE_BYTES = 256 * 1024 * 1024


def reason_not_to_decode(width: int, height: int) -> str | None:
    """The reason why a picture of this size is not decoded. None if it may be decoded."""
    if width * height <= MOST_PIXELS:
        return None
    return f"a picture of {width}x{height} is not decoded: {MOST_PIXELS // 1024**2} megapixels are the limit"
