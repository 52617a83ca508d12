"""Removes secrets and links from vendors' texts. Errors quote these texts, and logs and Flower show the errors."""

import re
from collections.abc import Iterable

# A link; the end of a link to the object store or to the gateway, if the vendor quotes only that part; a data URI.
_LINK = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+|\S*X-Amz-\S*|\S*[?&]t=[\w-]{43}\S*|\bdata:[^\s,]*;base64,\S*", re.IGNORECASE
)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f]+")
_LONGEST = 300
_MOST_READ = 2_000
_MOST_SEARCHED = 20_000
_ECHO = 12


def quotable(text: str, *, secrets: Iterable[str] = ()) -> str:
    """The first 300 characters of a text, on one line, without links and without echoes of secrets.

    An echo is a run of 12 characters of a secret, or all of a shorter secret: vendors quote parts of prompts.
    """
    # A text can have megabytes, and the quotation needs only its beginning. Cut at a space: half a word could be the
    # beginning of a secret.
    if len(text) > _MOST_READ:
        text = text[:_MOST_READ].rpartition(" ")[0] or text[: _LONGEST + 1]
    shown = _without(_one_line(_LINK.sub("[link]", text)), secrets)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def unechoed(text: str, secret: str) -> str:
    """The text without echoes of a secret, in any case of letters. For reading the text, not for showing it."""
    return _without(_one_line(text[:_MOST_SEARCHED]).casefold(), [secret.casefold()])


def without(text: str, *, secrets: Iterable[str]) -> str:
    """The text without echoes of secrets. A secret of fewer than 12 characters stays: it could be a common word."""
    return _without(text, (secret for secret in secrets if len(secret) >= _ECHO))


def _without(text: str, secrets: Iterable[str]) -> str:
    hidden: set[int] = set()
    for secret in map(_one_line, secrets):
        hidden |= _echo(text, secret)
    shown = "".join("\0" if place in hidden else character for place, character in enumerate(text))
    return re.sub("\0+", "[…]", shown)


def _one_line(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text).strip()


def _echo(text: str, secret: str) -> set[int]:
    """The indexes of the characters in `text` that repeat `secret`."""
    width = min(_ECHO, len(secret))
    if width == 0:
        return set()
    starts = (start for start in range(len(text) - width + 1) if text[start : start + width] in secret)
    return {place for start in starts for place in range(start, start + width)}
