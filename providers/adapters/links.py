"""The links to files in a part of a vendor's answer: a text, a list or an object, also with other texts beside them."""

import re
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

_WEB: Final = re.compile(r"https?://[^\s\x00-\x1f]+", re.IGNORECASE)
_RELATIVE: Final = re.compile(r"/{0,2}[\w.~%-]+(?:/[\w.~%@+=,-]*)*(?:\?[^\s#]*)?")
# Several links in one text. A space within a link is a part of it.
_NEXT: Final = re.compile(r"\s+(?=https?://)", re.IGNORECASE)
_UNUSABLE: Final = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST: Final = 8_000

# The members of an object that hold its file come first, and pictures of a file last.
_FIRST: Final = ("url", "uri", "video_url", "video", "videos", "image_url", "image", "images")
_LAST: Final = re.compile(r"thumb|poster|cover|preview|last_?frame|first_?frame", re.IGNORECASE)


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
    if _WEB.fullmatch(encoded):
        return encoded
    return encoded if or_paths and "/" in encoded and _RELATIVE.fullmatch(encoded) else None


def _texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            text = value.strip()
            yield from _NEXT.split(text) if text.lower().startswith("http") else [text]
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for name in sorted(value, key=_rank):
                yield from _texts(value[name])
        case _:
            pass


def _rank(name: str) -> int:
    if name in _FIRST:
        return _FIRST.index(name)
    return len(_FIRST) + bool(_LAST.search(name))
