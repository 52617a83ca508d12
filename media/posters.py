"""Makes posters: small still pictures."""

import io

from PIL import Image

from media.reading import Poster

LONG_EDGE = 640
_QUALITY = 85
_WHITE = (255, 255, 255, 255)


def poster(picture: Image.Image) -> Poster:
    """A JPEG of an upright picture. Transparent parts become white."""
    picture.thumbnail((LONG_EDGE, LONG_EDGE))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, _WHITE), picture)
    output = io.BytesIO()
    picture.convert("RGB").save(output, "JPEG", quality=_QUALITY, icc_profile=picture.info.get("icc_profile"))
    return Poster(output.getvalue(), picture.width, picture.height)
