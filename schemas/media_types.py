"""Detects a file's format from its first bytes. Names and Content-Type headers are unreliable."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.enums import Kind

# Enough for the lists of brands and the document types that writers use.
HEAD_BYTES = 512


@dataclass(frozen=True)
class MediaType:
    """A supported file format."""

    content_type: str
    """The media type."""
    kind: Kind
    """Image or video. A format of images can hold an animation too."""
    extension: str
    """The file extension, without a dot."""
    demuxer: str = ""
    """FFmpeg's name of the format; empty: FFmpeg does not read the format. If FFmpeg guesses, a file that begins like a
    JPEG may be read as a session description (SDP), and FFmpeg opens the network sockets that the file names."""
    plugin: str = ""
    """Pillow's name of the format; empty: Pillow does not read the format. Pillow must not guess either."""
    codec: str = ""
    """FFmpeg's name of the codec, if every file of the format has the same codec."""


PNG = MediaType("image/png", Kind.IMAGE, "png", plugin="PNG", codec="png")
JPEG = MediaType("image/jpeg", Kind.IMAGE, "jpg", plugin="JPEG", codec="mjpeg")
WEBP = MediaType("image/webp", Kind.IMAGE, "webp", plugin="WEBP", codec="webp")
GIF = MediaType("image/gif", Kind.IMAGE, "gif", plugin="GIF", codec="gif")
AVIF = MediaType("image/avif", Kind.IMAGE, "avif", demuxer="mov", plugin="AVIF", codec="av1")
HEIC = MediaType("image/heic", Kind.IMAGE, "heic", plugin="HEIF", codec="hevc")
MP4 = MediaType("video/mp4", Kind.VIDEO, "mp4", demuxer="mov")
MOV = MediaType("video/quicktime", Kind.VIDEO, "mov", demuxer="mov")
WEBM = MediaType("video/webm", Kind.VIDEO, "webm", demuxer="matroska")
MKV = MediaType("video/matroska", Kind.VIDEO, "mkv", demuxer="matroska")

TAKEN = (PNG, JPEG, WEBP, GIF, MP4, MOV, WEBM)
"""The formats that customers may send."""

ANIMATIONS = frozenset({PNG, WEBP, GIF, AVIF})
"""The formats of images whose files can hold an animation."""

RESULTS: Mapping[Kind, frozenset[MediaType]] = {
    Kind.IMAGE: frozenset({PNG, JPEG, WEBP, GIF, AVIF, HEIC}),
    Kind.VIDEO: frozenset({MP4, MOV, WEBM, MKV}) | ANIMATIONS,
}
"""The formats that vendors may deliver, by the kind of the order."""

BY_CONTENT_TYPE: Mapping[str, MediaType] = {media.content_type: media for each in RESULTS.values() for media in each}
"""Every supported format by its media type."""

_PREFIXES = {b"\x89PNG\r\n\x1a\n": PNG, b"\xff\xd8\xff": JPEG, b"GIF87a": GIF, b"GIF89a": GIF}

# Brands of the box `ftyp` (https://mp4ra.org). The first known brand decides: the major brand comes first, then the
# compatible brands.
_BRANDS: tuple[tuple[re.Pattern[bytes], MediaType | None], ...] = (
    (re.compile(rb"avi[fs]"), AVIF),
    (re.compile(rb"he(ic|ix|im|is|vc|vx|vm|vs)"), HEIC),
    (re.compile(rb"qt  "), MOV),
    # Sound without pictures.
    (re.compile(rb"[MF]4[ABP] "), None),
    (
        re.compile(rb"iso.|mp4[0-9]|avc.|hvc1|hev1|av01|M4V.|[Ff]4v |F4V |3g[2gp].|dash|msdh|MSNV|mmp4|cmf.|piff|XAVC"),
        MP4,
    ),
)
# The brands of all images in such files. The other brands tell the codec.
_ANY_IMAGE = frozenset({b"mif1", b"msf1"})

# The boxes that begin a QuickTime file without `ftyp` (QuickTime File Format Specification).
_QUICKTIME_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_LEAST_BOX_BYTES = 8
# Longer boxes than this come only with media data. Text can have the same letters and begins with a greater number.
_MOST_HEADER_BYTES = 1 << 24
_SIZE_FOLLOWS = 1

# Matroska's element DocType.
_DOC_TYPE = b"\x42\x82"
_DOC_TYPES = {b"webm": WEBM, b"matroska": MKV}


def sniff(head: bytes) -> MediaType | None:
    """The format of a file from its first `HEAD_BYTES` bytes. None for an unsupported format."""
    for prefix, media in _PREFIXES.items():
        if head.startswith(prefix):
            return media
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp":
        return _of_brands(head)
    if head[4:8] in _QUICKTIME_BOXES:
        return MOV if _is_box(head) else None
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _of_document_type(head)
    return None


def _of_brands(head: bytes) -> MediaType | None:
    end = min(int.from_bytes(head[:4]), len(head))
    # Four bytes between the major brand and the compatible brands are a version.
    brands = [head[8:12], *(head[start : start + 4] for start in range(16, end - 3, 4))]
    is_image = brands[0] in _ANY_IMAGE
    for brand in brands:
        for pattern, media in _BRANDS:
            if pattern.fullmatch(brand) and (not is_image or media in {AVIF, HEIC}):
                return media
    return None if _ANY_IMAGE.isdisjoint(brands) else HEIC


def _is_box(head: bytes) -> bool:
    size = int.from_bytes(head[:4])
    if size == _SIZE_FOLLOWS:
        return True
    return size >= _LEAST_BOX_BYTES and (size < _MOST_HEADER_BYTES or head[4:8] == b"mdat")


def _of_document_type(head: bytes) -> MediaType | None:
    start = head.find(_DOC_TYPE)
    if start < 0:
        return None
    # One byte with the length, and a mark in its highest bit.
    length = head[start + 2] & 0x7F if len(head) > start + 2 else 0
    return _DOC_TYPES.get(head[start + 3 : start + 3 + length].rstrip(b"\0"))
