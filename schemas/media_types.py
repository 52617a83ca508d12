"""Detects a file's format from its first bytes. Names and Content-Type headers are unreliable."""

from dataclasses import dataclass

from schemas.enums import Kind

# Enough for the WebM document type, the last of all marks below.
HEAD_BYTES = 64


@dataclass(frozen=True)
class MediaType:
    """A supported file format."""

    content_type: str
    """The media type."""
    kind: Kind
    """Image or video."""
    extension: str
    """The file extension, without a dot."""
    demuxer: str
    """FFmpeg's name of the format. If FFmpeg guesses, a file that begins like a JPEG may be read as a session
    description (SDP), and FFmpeg opens the network sockets that the file names."""


PNG = MediaType("image/png", Kind.IMAGE, "png", "png_pipe")
JPEG = MediaType("image/jpeg", Kind.IMAGE, "jpg", "jpeg_pipe")
WEBP = MediaType("image/webp", Kind.IMAGE, "webp", "webp_pipe")
GIF = MediaType("image/gif", Kind.IMAGE, "gif", "gif")
MP4 = MediaType("video/mp4", Kind.VIDEO, "mp4", "mov")
MOV = MediaType("video/quicktime", Kind.VIDEO, "mov", "mov")
WEBM = MediaType("video/webm", Kind.VIDEO, "webm", "matroska")

TAKEN = (PNG, JPEG, WEBP, GIF, MP4, MOV, WEBM)

_PREFIXES = {b"\x89PNG\r\n\x1a\n": PNG, b"\xff\xd8\xff": JPEG, b"GIF87a": GIF, b"GIF89a": GIF}

# The major brands of MP4 (https://mp4ra.org). The box `ftyp` alone also begins AVIF, HEIC and audio files.
_ISO_BRANDS = frozenset({b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"})
_MP4_BRANDS = _ISO_BRANDS | {b"mp41", b"mp42", b"avc1", b"dash", b"MSNV", b"M4V ", b"3gp4", b"3gp5"}


def sniff(head: bytes) -> MediaType | None:
    """The format of a file from its first `HEAD_BYTES` bytes. None for an unsupported format."""
    for prefix, media in _PREFIXES.items():
        if head.startswith(prefix):
            return media
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp":
        if head[8:12] == b"qt  ":
            return MOV
        return MP4 if head[8:12] in _MP4_BRANDS else None
    if head[:4] == b"\x1a\x45\xdf\xa3" and b"webm" in head[:HEAD_BYTES]:
        return WEBM
    return None
