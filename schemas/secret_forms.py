"""Removes all that has the form of a secret from a text: keys, tokens, passwords, and the paths and queries of URLs.

Strangers choose such texts. So the cost of each pattern grows with the length of the text, and not faster: no pattern
begins at each character of a run that the pattern then reads to the end.
"""

import re
from typing import Final

from schemas.echoes import HIDDEN

# The host of a URL stays. User, password, path and query go: the path of a result's link is a secret, too.
_URL: Final = re.compile(
    r"""(?P<joint>:(?:\\?/){2})(?:[^\s/]*@)?(?P<host>(?:\[[0-9a-f:.]{2,45}\])?[^\s/?#"'<>)\]},]*)"""
    r"""(?P<rest>[/?#][^\s"'<>)]*)?""",
    re.IGNORECASE,
)
# No port follows the colon, so user and password stand in the place of host and port.
_NO_PORT: Final = re.compile(r"^[^\[:]*:\d*[^\W\d]")

# The query of a link that is itself a part of a query.
_QUOTED_QUERY: Final = re.compile(r"%(?:3F|26)[\w-]+%3D", re.IGNORECASE)
_WORD: Final = re.compile(r"\S+")

_VALUE: Final = r"[\w+/=.:~-]{16,}"
_FORMS: Final = (
    # The query of a path without a host: tokens of signed links, searches in Flower.
    (re.compile(r"\?[\w.\[\]%-]+=[^\s\"'<>)]*"), f"?{HIDDEN}"),
    (re.compile(r";base64,[^\s\"']*", re.IGNORECASE), f";base64,{HIDDEN}"),
    (re.compile(r"\b(rw_(?:test_)?|whsec_|sk-)[\w+/=-]{16,}"), rf"\1{HIDDEN}"),
    (re.compile(rf"\b(Bearer|Basic|Key|Token)\s+{_VALUE}"), rf"\1 {HIDDEN}"),
    # "key" and "token" are common words, too. After them, a name of the code has no digit.
    (re.compile(rf"\b(bearer|basic|key|token)\s+(?=[a-z+/=.:~_-]*\d){_VALUE}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"(api[_-]?key|access[_-]?key|secret[_-]?key|secret|token|passw(?:or)?d|signature|credential|&key|&sig)"
            r"(=|[\"']: ?)([\"']?)[^\s\"'&]+",
            re.IGNORECASE,
        ),
        rf"\1\2\3{HIDDEN}",
    ),
    # JSON web tokens, as Kling and Google take them.
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), HIDDEN),
)
# Our tokens of links: an HMAC of 32 bytes as base64.
_LINK_TOKEN: Final = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])", re.ASCII)


def without_secret_forms(text: str, *, token_start: int = 0) -> str:
    """The text with a mark in place of each secret.

    Args:
        token_start: the first characters that stay of a word as long as a token of a link, which can be a name, too.
    """
    shown = _URL.sub(_origin, text)
    if _QUOTED_QUERY.search(shown):
        shown = _WORD.sub(_without_quoted_query, shown)
    for form, replacement in _FORMS:
        shown = form.sub(replacement, shown)
    return _LINK_TOKEN.sub(lambda word: word[0][:token_start] + HIDDEN, shown)


def _origin(url: re.Match[str]) -> str:
    host, rest = url["host"], url["rest"] or ""
    # The slash of a password ends the host too early.
    is_password = _NO_PORT.match(host) or (":" in host and "@" in rest)
    return url["joint"] + (HIDDEN if is_password else host) + ("" if rest in ("", "/") else f"/{HIDDEN}")


def _without_quoted_query(word: re.Match[str]) -> str:
    return HIDDEN if _QUOTED_QUERY.search(word[0]) else word[0]
