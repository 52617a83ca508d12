"""The table of media files: right ones and odd ones, with their facts or the reason of their refusal.

Vendors, cameras and browsers write all of them. The files are small, and made when a test asks for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from schemas.enums import Kind
from schemas.media_types import AVIF, GIF, HEIC, JPEG, MKV, MOV, MP4, PNG, WEBM, WEBP, MediaType
from tests.media_files import images
from tests.media_files.heic import heic
from tests.media_files.images import animation, image
from tests.media_files.videos import Video, damaged, sound, video, with_brand, without_file_type

LEFT_RED = ("red", "black")
RIGHT_RED = ("black", "red")
PICTURE = ("red", "blue")

_LIMIT = "64 megapixels are the limit"
_CUT = "the file is cut: its end is missing"
_STILL = "the file is a still picture, where a video was ordered"


@dataclass(frozen=True)
class Good:
    """A file that is delivered."""

    make: Callable[[], bytes]
    """Makes the file."""
    media: MediaType
    """The format."""
    size: tuple[int, int]
    """Width and height, as a player shows the file."""
    codec: str
    """The codec's name."""
    seconds: float | None = None
    """The length of a video. None: an image."""
    poster: tuple[str, str] | None = None
    """The colours of the poster's upper left and lower right corners. None: no poster."""
    undecoded: str | None = None
    """A part of the recorded reason why nothing was decoded."""


@dataclass(frozen=True)
class Bad:
    """A file that is refused."""

    kind: Kind
    """What was ordered."""
    make: Callable[[], bytes]
    """Makes the file."""
    reason: str
    """The message for the customer."""


def _second(codec: str = "libx264", **facts: object) -> Video:
    return Video(codec, colors=("red",), **facts)  # type: ignore[arg-type]  # as the table names them


def _cut(make: Callable[[], bytes]) -> Callable[[], bytes]:
    def shorter() -> bytes:
        content = make()
        return content[: len(content) * 3 // 4]

    return shorter


def _mov() -> bytes:
    return video(_second(), form="mov")


def _live(codec: str = "libvpx", form: str = "webm") -> bytes:
    return video(_second(codec), form=form, is_piped=True)


def _fragments() -> bytes:
    return video(Video(), movflags="frag_keyframe+empty_moov+default_base_moof")


def _huge() -> bytes:
    return video(Video("png", 9000, 8000, count=1), form="mov")


def _of_second(make: Callable[[], bytes], media: MediaType, codec: str = "h264") -> Good:
    """A file of one second whose picture is upright."""
    return Good(make, media, (64, 32), codec, 1, LEFT_RED)


_COVER = Video("mjpeg", 320, 320, colors=("blue",), count=1, is_cover=True)
_SMALL, _LARGE = Video(width=32, height=16, colors=("blue",)), _second(width=128, height=64)
_ANAMORPHIC = _second(pixel_shape=Fraction(4, 3))

VIDEOS: dict[str, Good] = {
    "mp4 h264": _of_second(lambda: video(_second()), MP4),
    "mp4 hevc": _of_second(lambda: video(_second("libx265")), MP4, "hevc"),
    "mp4 av1": _of_second(lambda: video(_second("libsvtav1")), MP4, "av1"),
    "mp4 vp9": _of_second(lambda: video(_second("libvpx-vp9")), MP4, "vp9"),
    "mp4 mpeg4": _of_second(lambda: video(_second("mpeg4")), MP4, "mpeg4"),
    "mp4 faststart": _of_second(lambda: video(_second(), movflags="faststart"), MP4),
    "mp4 fragments": Good(_fragments, MP4, (64, 32), "h264", 3, LEFT_RED),
    "mp4 dash": _of_second(lambda: video(_second(), movflags="dash"), MP4),
    "mp4 of a phone": _of_second(lambda: with_brand(video(_second()), b"M4VH", b"mp42", b"isom"), MP4),
    "mp4 of an unknown brand": _of_second(lambda: with_brand(video(_second()), b"zzzz", b"iso2", b"mp41"), MP4),
    "mp4 with a brand that is no text": _of_second(lambda: with_brand(video(_second()), b"\xe9som", b"isom"), MP4),
    "webm with a text in latin-1": _of_second(
        lambda: video(_second("libvpx"), form="webm").replace(b"Lavf", b"L\xe9vf"), WEBM, "vp8"
    ),
    "mp4 with bytes after its end": _of_second(lambda: video(_second()) + b"\0" * 5 + b"junk", MP4),
    "mov h264": _of_second(_mov, MOV),
    "mov prores": _of_second(lambda: video(_second("prores_ks"), form="mov"), MOV, "prores"),
    "mov that begins with wide": _of_second(lambda: without_file_type(_mov(), b"wide"), MOV),
    "mov that begins with free": _of_second(lambda: without_file_type(_mov(), b"free"), MOV),
    "mov that begins with skip": _of_second(lambda: without_file_type(_mov(), b"skip"), MOV),
    "webm vp8": _of_second(lambda: video(_second("libvpx"), form="webm"), WEBM, "vp8"),
    "webm vp9": _of_second(lambda: video(_second("libvpx-vp9"), form="webm"), WEBM, "vp9"),
    "webm av1": _of_second(lambda: video(_second("libsvtav1"), form="webm"), WEBM, "av1"),
    "webm from a pipe, without a length": _of_second(_live, WEBM, "vp8"),
    "mkv h264": _of_second(lambda: video(_second(), form="matroska"), MKV),
    "mkv hevc": _of_second(lambda: video(_second("libx265"), form="matroska"), MKV, "hevc"),
    "mkv from a pipe, without a length": _of_second(lambda: _live("libx264", "matroska"), MKV),
    "turned to the left": Good(lambda: video(_second(rotation=90)), MP4, (32, 64), "h264", 1, RIGHT_RED),
    "turned to the right": Good(lambda: video(_second(rotation=-90)), MP4, (32, 64), "h264", 1, LEFT_RED),
    "upside down": Good(lambda: video(_second(rotation=180)), MP4, (64, 32), "h264", 1, RIGHT_RED),
    "mirrored": Good(lambda: video(_second(rotation=0, is_mirrored=True)), MP4, (64, 32), "h264", 1, RIGHT_RED),
    "mkv turned to the right": Good(
        lambda: video(_second(rotation=-90), form="matroska"), MKV, (32, 64), "h264", 1, LEFT_RED
    ),
    "wide pixels": Good(lambda: video(_ANAMORPHIC), MP4, (85, 32), "h264", 1, LEFT_RED),
    "wide pixels, turned": Good(
        lambda: video(_second(pixel_shape=Fraction(2), rotation=-90)), MP4, (32, 128), "h264", 1, LEFT_RED
    ),
    "cover first": _of_second(lambda: video(_COVER, _second()), MP4),
    "mkv, a cover without a mark first": _of_second(lambda: video(_COVER, _second(), form="matroska"), MKV),
    "small stream first": Good(lambda: video(_SMALL, _LARGE), MP4, (128, 64), "h264", 1, LEFT_RED),
    "damaged first frame": Good(lambda: damaged(video()), MP4, (64, 32), "h264", 3, ("lime", "black")),
    "no frame that decodes": Good(
        lambda: damaged(video(), key_frames_damaged=None), MP4, (64, 32), "h264", 3, undecoded="no picture"
    ),
    "72 megapixels": Good(_huge, MOV, (9000, 8000), "png", 1 / 24, undecoded=_LIMIT),
    "animated webp": Good(lambda: animation("WEBP"), WEBP, images.SIZE, "webp", 2, PICTURE),
    "animated gif": Good(lambda: animation("GIF"), GIF, images.SIZE, "gif", 2, PICTURE),
    "animated png": Good(lambda: animation("PNG"), PNG, images.SIZE, "png", 2, PICTURE),
    "animated avif": Good(lambda: animation("AVIF"), AVIF, images.SIZE, "av1", 2, PICTURE),
    "gif without pauses": Good(lambda: animation("GIF", milliseconds=0), GIF, images.SIZE, "gif", 0.4, PICTURE),
}

_TILES = ("red", "blue")

IMAGES: dict[str, Good] = {
    "png": Good(lambda: image("PNG"), PNG, images.SIZE, "png"),
    "jpeg": Good(lambda: image("JPEG"), JPEG, images.SIZE, "mjpeg"),
    "progressive jpeg": Good(lambda: image("JPEG", progressive=True), JPEG, images.SIZE, "mjpeg"),
    "webp": Good(lambda: image("WEBP"), WEBP, images.SIZE, "webp"),
    "lossless webp": Good(lambda: image("WEBP", lossless=True), WEBP, images.SIZE, "webp"),
    "gif": Good(lambda: image("GIF"), GIF, images.SIZE, "gif"),
    "avif": Good(lambda: image("AVIF"), AVIF, images.SIZE, "av1", poster=PICTURE),
    "heic": Good(heic, HEIC, (64, 32), "hevc", poster=("red", "red")),
    "heic of two tiles": Good(lambda: heic(_TILES), HEIC, (128, 32), "hevc", poster=PICTURE),
    "heic, turned": Good(lambda: heic(_TILES, quarter_turns=3), HEIC, (32, 128), "hevc", poster=PICTURE),
    **{
        f"{form}, orientation {orientation}": Good(
            lambda form=form, orientation=orientation: image(form, orientation=orientation),  # type: ignore[misc]  # a loop's values
            media,
            images.SIZE,
            media.codec,
            poster=PICTURE if media is AVIF else None,
        )
        for form, media in {"PNG": PNG, "JPEG": JPEG, "WEBP": WEBP, "AVIF": AVIF}.items()
        for orientation in (3, 5, 6, 7, 8)
    },
    "animated webp": Good(lambda: animation("WEBP"), WEBP, images.SIZE, "webp"),
    "animated gif": Good(lambda: animation("GIF"), GIF, images.SIZE, "gif"),
    **{
        f"{form} with bytes after its end": Good(
            lambda form=form: image(form) + b"\xff\xd9 and more",  # type: ignore[misc]  # a loop's value
            media,
            images.SIZE,
            media.codec,
        )
        for form, media in {"PNG": PNG, "JPEG": JPEG, "WEBP": WEBP, "GIF": GIF}.items()
    },
    "81 megapixels": Good(lambda: images.png(9000, 9000), PNG, (9000, 9000), "png", undecoded=_LIMIT),
}

WHOLE: dict[str, tuple[Kind, Callable[[], bytes]]] = {
    "mp4": (Kind.VIDEO, video),
    "mp4 faststart": (Kind.VIDEO, lambda: video(movflags="faststart")),
    "mp4 fragments": (Kind.VIDEO, _fragments),
    "mov": (Kind.VIDEO, lambda: video(form="mov", movflags="faststart")),
    "webm": (Kind.VIDEO, lambda: video(Video("libvpx"), form="webm")),
    "webm from a pipe": (Kind.VIDEO, _live),
    "mkv": (Kind.VIDEO, lambda: video(form="matroska")),
    "animated webp": (Kind.VIDEO, lambda: animation("WEBP")),
    "animated gif": (Kind.VIDEO, lambda: animation("GIF")),
    "animated png": (Kind.VIDEO, lambda: animation("PNG")),
    "animated avif": (Kind.VIDEO, lambda: animation("AVIF")),
    "png": (Kind.IMAGE, lambda: image("PNG")),
    "jpeg": (Kind.IMAGE, lambda: image("JPEG")),
    "jpeg with a preview": (Kind.IMAGE, images.jpeg_with_preview),
    "webp": (Kind.IMAGE, lambda: image("WEBP")),
    "gif": (Kind.IMAGE, lambda: image("GIF")),
    "avif": (Kind.IMAGE, lambda: image("AVIF")),
    "heic": (Kind.IMAGE, heic),
    "81 megapixels": (Kind.IMAGE, lambda: images.png(9000, 9000)),
}
"""Whole files, to be cut, with the kind of their order."""

REFUSED: dict[str, Bad] = {
    **{f"{name}, cut": Bad(kind, _cut(make), _CUT) for name, (kind, make) in WHOLE.items()},
    "sound": Bad(Kind.VIDEO, sound, "the file has no moving picture"),
    "unknown codec": Bad(Kind.VIDEO, lambda: video(_second()).replace(b"avc1", b"zzzz"), "the file's codec is unknown"),
    **{
        f"still {form} for a video": Bad(Kind.VIDEO, lambda form=form: image(form), _STILL)  # type: ignore[misc]  # a loop's value
        for form in ("PNG", "WEBP", "GIF", "AVIF")
    },
    "damaged png": Bad(
        Kind.IMAGE,
        images.damaged_png,
        "the image cannot be decoded: its file is damaged",
    ),
    "jpeg for a video": Bad(Kind.VIDEO, lambda: image("JPEG"), "the file is image/jpeg, where video was ordered"),
    "mp4 for an image": Bad(Kind.IMAGE, video, "the file is video/mp4, where image was ordered"),
}
