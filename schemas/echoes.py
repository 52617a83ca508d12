"""Finds secrets in texts of others: vendors' answers, errors of libraries.

A text can repeat a part of a prompt, and a key as base64, as a part of a URL or as a JSON text. So a secret of 12 or
more characters is found by runs of 12 characters, in each of these forms and in any case of letters.

A shorter secret could be a common word: the prompt "a" must not blank every message. A secret of 4 to 11 characters is
found where it stands alone, and a shorter secret only in quotation marks.

Of a text of more than 4,000 characters, only the first 4,000 are found in encoded forms. All forms of a text of 20,000
characters would have a quarter of a million runs.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = "[…]"
"""Stands for a secret that was removed."""

_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f]+")
_RUN = 12
_WORD = 4
_MOST_ENCODED = 4_000


class Echoes:
    """The forms of some secrets. Making them costs milliseconds for 1,000 characters; searching is cheap."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._runs: set[str] = set()
        self._alone: list[re.Pattern[str]] = []
        for form in {folded(form) for secret in secrets for form in _forms(secret)}:
            if len(form) < _RUN:
                self._alone.append(_alone(form))
            else:
                self._runs.update(form[start : start + _RUN] for start in range(len(form) - _RUN + 1))

    def removed(self, text: str) -> str:
        """The text with a mark in place of each echo."""
        low = folded(text)
        hidden = {place for alone in self._alone for found in alone.finditer(low) for place in range(*found.span())}
        if self._runs:
            for start in range(len(low) - _RUN + 1):
                if low[start : start + _RUN] in self._runs:
                    hidden.update(range(start, start + _RUN))
        if not hidden:
            return text
        shown = "".join("\0" if place in hidden else character for place, character in enumerate(text))
        return re.sub("\0+", HIDDEN, shown)


def one_line(text: str) -> str:
    """The text with a space in place of white space and characters that cannot be seen."""
    return _UNPRINTABLE.sub(" ", text).strip()


def folded(text: str) -> str:
    """The text in lower case, with as many characters."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def _forms(secret: str) -> Iterator[str]:
    """The forms in which others can repeat a text."""
    plain = one_line(secret)
    if plain:
        yield plain
    if len(plain) >= _RUN:
        yield json.dumps(secret, ensure_ascii=False)[1:-1]
        yield from _encoded_forms(secret[:_MOST_ENCODED])


def _encoded_forms(secret: str) -> Iterator[str]:
    yield json.dumps(secret)[1:-1]
    yield html.escape(one_line(secret))
    yield quote(secret, safe="", errors="replace")
    yield quote_plus(secret, errors="replace")
    yield from _base64_forms(secret.encode(errors="replace"))


def _base64_forms(secret: bytes) -> Iterator[str]:
    """The base64 of a text inside another text, which can begin at any of three places of a group of bytes."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret).decode()
        # The characters at both ends depend on the neighbours, too.
        padding = encoded.count("=")
        inner = encoded[(before * 8 + 5) // 6 : -padding - 1 if padding else None]
        yield inner
        yield inner.translate(_URL_SAFE)


_URL_SAFE = str.maketrans("+/", "-_")


def _alone(text: str) -> re.Pattern[str]:
    """Finds a short text that stands alone: between other characters than ASCII letters and digits, or in quotes."""
    if len(text) < _WORD:
        return re.compile(f"(?<=[\"'`“‘«]){re.escape(text)}(?=[\"'`”’»])")
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", re.ASCII)
