"""Removes secrets, prompts and links from vendors' texts. Messages quote these texts, and logs show the messages."""

import re
from collections.abc import Iterable, Iterator

from schemas.echoes import HIDDEN, Echoes, folded, one_line

# A word that is hidden as a whole: an escaped link; the end of a link to the object store or to the gateway, if the
# vendor quotes only that part.
_HIDDEN_WORD = re.compile(
    r"\bhttps?%3A%2F%2F|X-Amz-|(?:[?&]|%3F|%26)t(?:=|%3D)[\w-]{43}",
    re.IGNORECASE,
)
# The parts of a link, also with escaped slashes, and of a data URI. One pattern for a whole link would begin again at
# each letter of a word, and take seconds for a hostile text.
_SLASHES = re.compile(r":(?:\\?/){2}(?=\S)")
_BASE64 = re.compile(r";base64,", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z0-9+.-]+", re.IGNORECASE)
_LETTER = re.compile(r"\b[a-z]", re.IGNORECASE)
_DATA = re.compile(r"\bdata:", re.IGNORECASE)
_WORD = re.compile(r"\S+")
# The token of a callback URL or of a link to an input, alone: an HMAC of 32 bytes as base64.
_TOKEN = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])", re.ASCII)
LONGEST = 300
_MOST_READ = 2_000
_MOST_SEARCHED = 20_000


def quotable(text: str, *, secrets: Iterable[str] = (), longest: int = LONGEST) -> str:
    """The first characters of a text, on one line, without links, tokens and echoes of secrets."""
    # A text can have megabytes, and the quotation needs only its beginning. Cut at a space: half a word could be the
    # beginning of a secret.
    if len(text) > _MOST_READ:
        text = text[:_MOST_READ].rpartition(" ")[0] or text[: LONGEST + 1]
    shown = _TOKEN.sub(HIDDEN, Echoes(secrets).removed(one_line(without_links(text))))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def without_links(text: str) -> str:
    """The text with a mark in place of each link and each data URI. The time grows with the length alone."""
    return _WORD.sub(lambda found: _without_link(found[0]), text)


def _without_link(word: str) -> str:
    """A word up to its link, which goes to the end of the word."""
    if _HIDDEN_WORD.search(word):
        return "[link]"
    start = min(_link_starts(word), default=None)
    return word if start is None else f"{word[:start]}[link]"


def _link_starts(word: str) -> Iterator[int]:
    """The beginnings of the links and data URIs in a word."""
    for scheme in _SCHEME.finditer(word):
        if _SLASHES.match(word, scheme.end()) and (found := _LETTER.search(word, scheme.start(), scheme.end())):
            yield found.start()
            break
    for middle in _BASE64.finditer(word):
        # The part before the data of a data URI has no comma.
        begin = word.rfind(",", 0, middle.start()) + 1
        if found := _DATA.search(word, begin, middle.start()):
            yield found.start()
            break


def unechoed(text: str, secret: str) -> str:
    """The text without echoes of a secret, in lower case. For reading the text, not for showing it."""
    return Echoes([secret]).removed(folded(one_line(text[:_MOST_SEARCHED])))
