"""The variants of pictures: copies that every browser shows, and smaller copies."""

import io
import math
from contextlib import suppress
from typing import BinaryIO

from PIL import Image, ImageCms

from media import orientation
from media.images import damages_told, opened_image
from media.limits import memory_of_image, reason_not_to_decode
from media.variants.recipes import Job, Made
from media.variants.sink import Sink, sha256_of, size_of
from media.variants.sizes import place
from schemas.errors import ResultInvalid
from schemas.media_types import GIF, JPEG, PNG, WEBP, MediaType

_FORMATS = {"webp": WEBP, "jpeg": JPEG, "png": PNG}
# Every browser shows these, and a WebP of them is not always smaller.
_SHOWN_EVERYWHERE = frozenset({JPEG, WEBP, GIF})
_QUALITY = {WEBP: 85, JPEG: 88}
_WHITE = (255, 255, 255, 255)
# The longest edge: 14 bits in WebP, and the limit of libjpeg (JPEG_MAX_DIMENSION).
_LONGEST_EDGE = {WEBP: 16_383, JPEG: 65_500}
_MODES_OF_16_BITS = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
# 65535 becomes 255.
_TO_8_BITS = 1 / 257
_SRGB = ImageCms.createProfile("sRGB")
_SPACE_OF_PROFILE = slice(16, 20)


def web(file: BinaryIO, media: MediaType, job: Job, descriptor: int, *, memory_bytes: int) -> Made:
    """A WebP of a picture that not every browser shows, or that is large for its content: PNG, AVIF, HEIC.

    Raises:
        ResultInvalid: the picture cannot be decoded.
    """
    with opened_image(file, media) as image:
        width, height = orientation.turned(image.size, orientation.of_header(image))
    # Every browser shows a PNG, too.
    if media in _SHOWN_EVERYWHERE or (media is PNG and max(width, height) > _LONGEST_EDGE[WEBP]):
        return Made(
            media.content_type, width, height, media.codec, size_of(descriptor), sha256_of(descriptor), is_original=True
        )
    return _saved(file, media, job, descriptor, WEBP, memory_bytes)


def copy(file: BinaryIO, media: MediaType, job: Job, descriptor: int, *, memory_bytes: int) -> Made:
    """A smaller copy.

    Raises:
        ResultInvalid: the picture cannot be decoded.
    """
    usual = media if media in {PNG, JPEG, WEBP} else WEBP
    return _saved(file, media, job, descriptor, _FORMATS[job.format] if job.format else usual, memory_bytes)


def _saved(file: BinaryIO, media: MediaType, job: Job, descriptor: int, target: MediaType, memory_bytes: int) -> Made:
    picture = _decoded(file, media, memory_bytes, grey=target is not WEBP)
    placed = place(picture.size, job.width, job.height, job.fit, step=1)
    if max(placed.cut) > _LONGEST_EDGE.get(target, math.inf):
        size, most = f"{placed.cut[0]}x{placed.cut[1]}", _LONGEST_EDGE[target]
        raise ResultInvalid(f"{target.plugin} has edges of up to {most} pixels, and the picture would have {size}")
    if placed.scaled != picture.size:
        picture = picture.resize(placed.scaled, Image.Resampling.LANCZOS)
    left, top = ((whole - part) // 2 for whole, part in zip(placed.scaled, placed.cut, strict=True))
    if placed.cut != placed.scaled:
        picture = picture.crop((left, top, left + placed.cut[0], top + placed.cut[1]))
    content = io.BytesIO()
    options = {"quality": _QUALITY[target]} if target in _QUALITY else {}
    _for_format(picture, target).save(content, target.plugin, icc_profile=picture.info.get("icc_profile"), **options)
    Sink(descriptor).write(content.getvalue())
    return Made(target.content_type, *placed.cut, target.codec, size_of(descriptor), sha256_of(descriptor))


def _decoded(file: BinaryIO, media: MediaType, memory_bytes: int, *, grey: bool) -> Image.Image:
    """The upright picture in 8 bits. Of an animation, the first picture.

    Args:
        grey: whether a grey picture stays grey. Else all pictures have the colours red, green and blue.
    """
    size_bytes = file.seek(0, io.SEEK_END)
    with opened_image(file, media) as image:
        needed = 2 * memory_of_image(*image.size, media, size_bytes=size_bytes, with_poster=True)
        reason = reason_not_to_decode(*image.size, needed=needed, memory_bytes=memory_bytes)
        if reason is not None:
            raise ResultInvalid(reason)
        with damages_told():
            image.load()
        profile = image.info.get("icc_profile")
        turn = orientation.of_image(image)
        picture = image.copy() if turn is None else image.transpose(turn)
    return _in_usual_colors(picture, profile, grey=grey)


def _in_usual_colors(picture: Image.Image, profile: bytes | None, *, grey: bool) -> Image.Image:
    """The picture as RGB, RGBA or grey, with the profile of these colours alone."""
    if picture.mode in _MODES_OF_16_BITS:
        picture = picture.convert("I").point(lambda value: value * _TO_8_BITS + 0.5).convert("L")
    is_grey = picture.mode == "L" and grey and not picture.has_transparency_data
    mode = "L" if is_grey else "RGBA" if picture.has_transparency_data else "RGB"
    if profile is not None and profile[_SPACE_OF_PROFILE] != (b"GRAY" if is_grey else b"RGB "):
        picture, profile = _in_srgb(picture, profile), None
    if picture.mode != mode:
        picture = picture.convert(mode)
    picture.info = {"icc_profile": profile}
    return picture


def _in_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """The picture in the colours of screens. If its profile is damaged or is of other colours, the picture itself."""
    with suppress(ImageCms.PyCMSError, OSError, ValueError):
        made = ImageCms.profileToProfile(picture, io.BytesIO(profile), _SRGB, outputMode="RGB")
        return made or picture
    return picture


def _for_format(picture: Image.Image, target: MediaType) -> Image.Image:
    """A JPEG has no transparency: transparent parts become white."""
    if target is not JPEG or picture.mode != "RGBA":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, _WHITE), picture).convert("RGB")
