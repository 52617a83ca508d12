import struct

import pytest

from schemas.media_types import AVIF, GIF, HEIC, JPEG, MKV, MOV, MP4, PNG, WEBM, WEBP, MediaType, sniff

EBML = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84"
EBML_8 = EBML[:-1] + b"\x88"


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    """The first box of an ISO file, and the beginning of the next box."""
    brands = b"".join(compatible)
    return struct.pack(">I4s4sI", 16 + len(brands), b"ftyp", major, 0) + brands + b"\0\0\0\x08isom"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n", PNG),
        (b"\xff\xd8\xff\xe0", JPEG),
        (b"GIF89a", GIF),
        (b"GIF87a", GIF),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", WEBP),
        (b"\x00\x00\x00\x18ftypisom", MP4),
        (b"\x00\x00\x00\x20ftypmp42", MP4),
        (b"\x00\x00\x00\x20ftypM4V ", MP4),
        (b"\x00\x00\x00\x14ftypqt  ", MOV),
        (EBML + b"webm", WEBM),
        (EBML_8 + b"matroska", MKV),
        (EBML + b"docs", None),
        (EBML, None),
        (ftyp(b"avif", b"mif1", b"miaf"), AVIF),
        (ftyp(b"avis", b"avif", b"msf1", b"iso8"), AVIF),
        (ftyp(b"mif1", b"iso8", b"avif"), AVIF),
        (ftyp(b"heic", b"mif1", b"heic"), HEIC),
        (ftyp(b"mif1", b"iso8", b"heic"), HEIC),
        (ftyp(b"msf1", b"hevc"), HEIC),
        (ftyp(b"mif1"), HEIC),
        (ftyp(b"M4VH", b"M4VH", b"mp42"), MP4),
        (ftyp(b"f4v ", b"isom"), MP4),
        (ftyp(b"3gp6", b"isom"), MP4),
        (ftyp(b"XXXX", b"YYYY", b"iso6"), MP4),
        (ftyp(b"XXXX", b"qt  "), MOV),
        (ftyp(b"XXXX", b"YYYY"), None),
        (ftyp(b"M4A ", b"M4A ", b"mp42"), None),
        (ftyp(b"M4B ", b"isom"), None),
        (b"\x00\x00\x00\x1cftypM4A ", None),
        (b"\x00\x00\x10\x00moov", MOV),
        (b"\x00\x00\x00\x08wide\x00\x10\x00\x00mdat", MOV),
        (b"\x00\x00\x00\x01mdat", MOV),
        (b"\x7f\x00\x00\x00mdat", MOV),
        (b"\x00\x00\x00\x20free", MOV),
        (b"\x00\x00\x00\x20skip", MOV),
        (b"The free lunch", None),
        (b"\x00\x00\x00\x02moov", None),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b"<!DOCTYPE html>", None),
        (b'{"code":404}', None),
        (b"\x89PNG", None),
        (b"", None),
    ],
)
def test_sniff(head: bytes, expected: MediaType | None) -> None:
    assert sniff(head) == expected
