"""What of a vendor's text may be quoted: it goes into errors, and errors go into logs and onto Flower's pages."""

import re
from collections.abc import Iterable

# A link; the rest of a link to the object store or to the gateway, whose beginning the vendor has left out; a file.
_LINK = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+|\S*X-Amz-\S*|\S*[?&]t=[\w-]{43}\S*|\bdata:[^\s,]*;base64,\S*", re.IGNORECASE
)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f]+")
_LONGEST = 300
_MOST_READ = 2_000
_ECHO = 12


def quotable(text: str, *, secrets: Iterable[str] = ()) -> str:
    """The text on one line, at most 300 characters of its beginning, without links and without echoes of secrets.

    An echo is a run of 12 characters of a secret, or all of a shorter one: vendors quote prompts in part.
    """
    # What is cut off here could not be shown anyway, and a text may have megabytes. A word that was cut could be the
    # beginning of a secret.
    if len(text) > _MOST_READ:
        text = text[:_MOST_READ].rpartition(" ")[0] or text[: _LONGEST + 1]
    shown = _without(_one_line(_LINK.sub("[link]", text)), secrets)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def without(text: str, *, secrets: Iterable[str]) -> str:
    """A text that may quote a vendor, without echoes of secrets. A short secret may be a plain word, and stays."""
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
    """The places in `text` that repeat `secret`."""
    width = min(_ECHO, len(secret))
    if width == 0:
        return set()
    starts = (start for start in range(len(text) - width + 1) if text[start : start + width] in secret)
    return {place for start in starts for place in range(start, start + width)}
