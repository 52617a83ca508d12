"""The links to files in a part of a vendor's answer: a text, a list or an object, also with other texts beside them."""

import re
from collections.abc import Iterator
from typing import Final

import httpx
from pydantic import JsonValue

from providers.http.urls import web_url

_WEB: Final = re.compile(r"https?://[^\s\x00-\x1f]+", re.IGNORECASE)
_RELATIVE: Final = re.compile(r"/{0,2}[\w.~%-]+(?:/[\w.~%@+=,-]*)*(?:\?[^\s#]*)?")
# Several links in one text. A space within a link is a part of it.
_NEXT: Final = re.compile(r"\s+(?=https?://)", re.IGNORECASE)
_UNUSABLE: Final = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST: Final = 8_000
# A path is checked as the path of some server.
_ANY_SERVER: Final = httpx.URL("https://server.invalid/")

_MEDIA_TYPE: Final = re.compile(r"(?:application|audio|image|text|video)/[a-z0-9+-]+", re.IGNORECASE)

# The members of an object that hold its file come first, and pictures of a file last.
_FIRST: Final = (
    *("url", "uri", "output", "outputs", "result", "results"),
    *("video_url", "video", "videos", "image_url", "image", "images"),
)
_LAST: Final = re.compile(r"thumb|poster|cover|preview|source|last_?frame|first_?frame", re.IGNORECASE)
# Some vendors repeat the files of the order, which are no results.
_OF_THE_ORDER: Final = re.compile(r"(?:input|init|reference|control|mask|prompt)(?:_|s?$)|(?:input|init)[A-Z]")


def file_links(value: JsonValue, *, or_paths: bool = False) -> list[str]:
    """The links in a value, in order, without repetitions. A space in a link is encoded. Other texts are skipped.

    Args:
        or_paths: also take paths, for members that hold nothing but a link. `VendorAdapter` resolves paths against the
            account's address.
    """
    return list(dict.fromkeys(link for text in _texts(value) if (link := _link(text, or_paths=or_paths)) is not None))


def _link(text: str, *, or_paths: bool) -> str | None:
    if _UNUSABLE.search(text) or len(text) > _LONGEST:
        return None
    encoded = "".join(letter if not letter.isspace() else "%20" for letter in text)
    is_web = _WEB.fullmatch(encoded) is not None
    if not (is_web or (or_paths and _is_path(encoded))):
        return None
    try:
        web_url(encoded, base=None if is_web else _ANY_SERVER)
    except httpx.InvalidURL:
        return None
    return encoded


def _is_path(text: str) -> bool:
    return "/" in text and _RELATIVE.fullmatch(text) is not None and not _MEDIA_TYPE.fullmatch(text)


def _texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            text = value.strip()
            yield from _NEXT.split(text) if text.lower().startswith("http") else [text]
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for name in sorted((name for name in value if not _OF_THE_ORDER.match(name)), key=_rank):
                yield from _texts(value[name])
        case _:
            pass


def _rank(name: str) -> int:
    if name in _FIRST:
        return _FIRST.index(name)
    return len(_FIRST) + bool(_LAST.search(name))
