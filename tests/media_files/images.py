"""Pictures that Pillow writes: a red left half and a blue right half, stored in any orientation."""

import io
import struct
import zlib
from typing import Any

from PIL import Image
from PIL.Image import Transpose

SIZE = (48, 32)
"""Width and height of the upright picture."""

_ORIENTATION = 0x0112

# The stored picture that EXIF's orientation brings upright.
_STORED = {
    1: None,
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}


def picture(size: tuple[int, int] = SIZE, left: str = "red", right: str = "blue") -> Image.Image:
    """A picture with two colours."""
    image = Image.new("RGB", size, right)
    image.paste(left, (0, 0, size[0] // 2, size[1]))
    return image


def image(form: str, *, orientation: int = 1, **options: Any) -> bytes:
    """A file in Pillow's format, stored so that the orientation brings the picture upright."""
    upright, turn = picture(), _STORED[orientation]
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    output = io.BytesIO()
    tags = {"exif": exif} if orientation > 1 else {}
    (upright if turn is None else upright.transpose(turn)).save(output, form, **tags, **options)
    return output.getvalue()


def animation(form: str, *, milliseconds: int = 500, count: int = 4) -> bytes:
    """An animation in Pillow's format."""
    frames = [picture(left=color) for color in ("red", "lime", "yellow", "white", "black")[:count]]
    output = io.BytesIO()
    frames[0].save(output, form, save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    return output.getvalue()


def jpeg_with_preview() -> bytes:
    """A JPEG with another JPEG in its EXIF data, as cameras write it: the marker EOI comes twice."""
    whole, preview = image("JPEG"), image("JPEG")
    content = b"Exif\0\0" + preview
    return whole[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + whole[2:]


def damaged_png() -> bytes:
    """A whole PNG with other bytes in its picture."""
    content = bytearray(image("PNG"))
    start = content.index(b"IDAT") + 8
    content[start : start + 8] = b"\xff" * 8
    return bytes(content)


def png(width: int, height: int) -> bytes:
    """A black PNG, small as a file however large it is."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packed, row = zlib.compressobj(9), bytes(1 + width * 3)
    pixels = b"".join(packed.compress(row) for _ in range(height)) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
