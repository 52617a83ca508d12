"""The spellings of a `data:` URI, and the words about a wrong one."""

import base64
from urllib.parse import quote

import pytest

from intake import data_uris
from schemas.enums import Kind
from schemas.inputs import InputField
from schemas.media_types import PNG
from schemas.setting_groups import InputSettings

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) + b"\xfb\xef\xbe\xff>"
BASE64 = base64.b64encode(PICTURE).decode()
URL_SAFE = base64.urlsafe_b64encode(PICTURE).decode()
FORM = "a `data:` URI is data:TYPE;base64,CONTENT"


def decode(url: str, *, most: int = 1024) -> bytes:
    file = data_uris.decode(InputField("image_urls.0", Kind.IMAGE, url), InputSettings(max_image_bytes=most))
    assert file.media == PNG
    return file.content


def wrapped(text: str, end: str) -> str:
    return end.join(text[start : start + 76] for start in range(0, len(text), 76))


def test_the_picture_needs_every_digit_of_base64_that_has_two_spellings() -> None:
    assert {"+", "/", "="} <= set(BASE64)


@pytest.mark.parametrize(
    "url",
    [
        f"data:image/png;base64,{BASE64}",
        f"data:image/jpg;base64,{BASE64}",
        f"data:application/octet-stream;base64,{BASE64}",
        f"data:;base64,{BASE64}",
        f"DATA:IMAGE/PNG;BASE64,{BASE64}",
        f"data:image/png;charset=utf-8;name=a.png; base64,{BASE64}",
        f"data:image/png;base64,{URL_SAFE}",
        f"data:image/png;base64,{URL_SAFE.rstrip('=')}",
        f"data:image/png;base64,{BASE64.rstrip('=')}",
        f"data:image/png;base64,{wrapped(BASE64, chr(10))}\n",
        f"data:image/png;base64,{wrapped(BASE64, chr(13) + chr(10))}",
        f"data:image/png;base64,{wrapped(BASE64, ' ' + chr(9))}",
        f"data:image/png;base64,{quote(BASE64, safe='')}",
        f"data:image/png;base64,{quote(wrapped(BASE64, chr(10)), safe='')}",
        f"data:image/png,{quote(PICTURE)}",
    ],
)
def test_every_spelling_gives_the_file(url: str) -> None:
    assert decode(url) == PICTURE


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("data:image/png;base64", f"has no comma before its content: {FORM}"),
        ("data:image/png;base64,", "is empty"),
        ("data:,", "is empty"),
        (f"data:image/png,{BASE64}", f"is of another type, where one of .* belongs: {FORM}"),
        ("data:image/png,\ud83d", f"is neither base64 nor percent-encoded: {FORM}"),
        ("data:image/png;base64,\ud83d", "is no base64: "),
        ("data:image/png;base64,é", "is no base64: "),
        ("data:image/png;base64,A", "is no base64: "),
        ("data:image/png;base64,====", "is no base64: "),
        (f"data:image/png;base64,{BASE64}{BASE64}", "is no base64: "),
        (f"data:image/png;base64,{BASE64.replace('+', ' ')}", "is no base64: "),
        (f"data:video/mp4;base64,{base64.b64encode(bytes(64)).decode()}", "is of another type, where one of "),
        (f"data:image/png;base64,{'A' * 4096}", "is larger than 1024 bytes"),
        (f"data:image/png,{'A' * 1025}", "is larger than 1024 bytes"),
    ],
)
def test_wrong_uri_is_refused_without_a_quotation(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        decode(url)
