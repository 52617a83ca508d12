"""Variants of pictures keep their colours."""

import io
import struct

import pytest
from PIL import Image, ImageCms

from schemas.enums import Kind
from schemas.errors import ResultInvalid
from schemas.media_types import JPEG, PNG
from tests.media_files.images import png
from tests.unit.media.variants.made import make


def saved(picture: Image.Image, form: str, **options: object) -> bytes:
    output = io.BytesIO()
    picture.save(output, form, **options)
    return output.getvalue()


@pytest.mark.parametrize("settings", [{"recipe": "web"}, {"recipe": "copy"}, {"recipe": "copy", "format": "jpeg"}])
def test_grey_of_16_bits_keeps_its_brightness(settings: dict[str, str]) -> None:
    values = [0, 10_000, 32_768, 65_535]
    row = b"".join(value.to_bytes(2, "little") * 16 for value in values)
    picture = Image.frombytes("I;16", (64, 16), row * 16)
    made = make(saved(picture, "PNG"), PNG, kind=Kind.IMAGE, **settings)
    with Image.open(io.BytesIO(made.content)) as variant:
        grey = variant.convert("L")
        found = [grey.getpixel((number * 16 + 8, 8)) for number in range(4)]
    assert found == pytest.approx([value / 257 for value in values], abs=3)


def test_a_profile_of_other_colours_does_not_stay() -> None:
    ink = _profile(b"CMYK")
    content = saved(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", icc_profile=ink)
    made = make(content, JPEG, "copy", Kind.IMAGE, width=16)
    with Image.open(io.BytesIO(made.content)) as variant:
        assert (variant.mode, variant.info.get("icc_profile")) == ("RGB", None)
        red, green, blue = variant.getpixel((8, 8))  # type: ignore[misc]  # three numbers
    assert red > 150 > 100 > max(green, blue)


def test_a_profile_of_grey_stays_with_grey_pictures_alone() -> None:
    content = saved(Image.new("L", (32, 32), 128), "PNG", icc_profile=_linear_grey())
    with Image.open(io.BytesIO(make(content, PNG, "copy", Kind.IMAGE).content)) as same:
        assert (same.mode, same.info.get("icc_profile")) == ("L", _linear_grey())
        assert same.getpixel((8, 8)) == 128
    with Image.open(io.BytesIO(make(content, PNG, "web", Kind.IMAGE).content)) as webp:
        assert webp.info.get("icc_profile") is None
        # Half of the light is 188 on a screen (IEC 61966-2-1).
        assert webp.convert("L").getpixel((8, 8)) == pytest.approx(188, abs=3)


def test_a_profile_of_red_green_and_blue_stays() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = saved(Image.new("RGB", (32, 32), "red"), "PNG", icc_profile=profile)
    with Image.open(io.BytesIO(make(content, PNG, "web", Kind.IMAGE).content)) as webp:
        assert webp.info.get("icc_profile") == profile


def _profile(space: bytes) -> bytes:
    """A profile that tells its colours, and has no table of them."""
    plain = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    plain[16:20] = space
    return bytes(plain)


def _linear_grey() -> bytes:
    """A profile (ICC.1:2001-04) of grey pictures whose numbers are amounts of light."""
    d50 = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    tags = {b"wtpt": b"XYZ \0\0\0\0" + d50, b"kTRC": b"curv" + bytes(8)}
    table, content, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, tag in tags.items():
        table += name + struct.pack(">II", start + len(content), len(tag))
        content += tag
    size = start + len(content)
    head = struct.pack(">I4sI4s4s4s12x4s28x", size, b"", 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"acsp") + d50
    return head.ljust(128, b"\0") + table + content


def test_a_picture_that_is_longer_than_a_webp_can_be() -> None:
    content = png(16_384, 20)
    assert make(content, PNG, "web", Kind.IMAGE).facts.is_original
    with pytest.raises(ResultInvalid, match="WEBP has edges of up to 16383 pixels"):
        make(content, PNG, "copy", Kind.IMAGE, format="webp")
    assert make(content, PNG, "copy", Kind.IMAGE, format="webp", width=4096).facts.width == 4096
