"""Decodes a request's picture in a process of its own: a stranger made the bytes, and decoders have had holes.

`python -m model_server.pictures WIDTH HEIGHT MAX_PIXELS` reads the file from standard input and writes RGB, three bytes
a pixel, of exactly that size: the picture covers the frame, and its middle stays.
"""

import io
import resource
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from model_server.errors import invalid

FORMATS: Final = ("PNG", "JPEG", "WEBP")
"""The formats of pictures."""

_SECONDS = 30
_MEMORY_BYTES = 2**31
_REFUSED = 3


def decoded(picture: bytes, width: int, height: int, *, max_pixels: int) -> bytes:
    """RGB, three bytes a pixel, `width` times `height`.

    Raises:
        CallRefused: 422, the file is no whole picture of a known format, or has too many pixels.
    """
    command = [sys.executable, "-P", "-m", "model_server.pictures", str(width), str(height), str(max_pixels)]
    # The process needs none of this server's variables, some of which are secrets.
    surroundings = {"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin"}
    try:
        child = subprocess.run(  # noqa: S603 -- our own module, and numbers
            command, input=picture, capture_output=True, timeout=_SECONDS, env=surroundings, check=False
        )
    except subprocess.TimeoutExpired:
        raise invalid("image", f"decoding took longer than {_SECONDS} s") from None
    if child.returncode == _REFUSED:
        raise invalid("image", child.stderr.decode(errors="replace").strip()[:300])
    if child.returncode != 0 or len(child.stdout) != width * height * 3:
        raise invalid("image", "the picture cannot be decoded")
    return child.stdout


def main() -> None:
    """Decode one picture from standard input."""
    width, height, max_pixels = map(int, sys.argv[1:4])
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None
    try:
        picture = _fitted(sys.stdin.buffer.read(), width, height, max_pixels)
    except ValueError as problem:
        sys.stderr.write(str(problem))
        sys.exit(_REFUSED)
    sys.stdout.buffer.write(picture)


def _fitted(data: bytes, width: int, height: int, max_pixels: int) -> bytes:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > max_pixels:
                raise ValueError(f"{picture.width}x{picture.height} pixels: at most {max_pixels} in all")
            picture.load()
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except UnidentifiedImageError:
        raise ValueError(f"must be a file of {', '.join(FORMATS[:-1])} or {FORMATS[-1]}") from None
    except (OSError, SyntaxError, MemoryError) as error:
        raise ValueError(f"the picture is damaged: {error}") from None
    return ImageOps.fit(upright, (width, height), Image.Resampling.LANCZOS).tobytes()


if __name__ == "__main__":
    main()
