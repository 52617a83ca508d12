import pytest

from schemas.media_types import GIF, JPEG, MOV, MP4, PNG, WEBM, WEBP, MediaType, sniff

EBML = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84"


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
        (EBML + b"matroska", None),
        (b"\x00\x00\x00\x1cftypavif", None),
        (b"\x00\x00\x00\x1cftypheic", None),
        (b"\x00\x00\x00\x1cftypM4A ", None),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b"<!DOCTYPE html>", None),
        (b'{"code":404}', None),
        (b"\x89PNG", None),
        (b"", None),
    ],
)
def test_sniff(head: bytes, expected: MediaType | None) -> None:
    assert sniff(head) == expected
