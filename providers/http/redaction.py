"""Removes secrets, prompts and links from vendors' texts. Messages quote these texts, and logs show the messages."""

import re
from collections.abc import Iterable

from schemas.echoes import HIDDEN, Echoes, folded, one_line

# A link, also with escaped characters; the end of a link to the object store or to the gateway, if the vendor quotes
# only that part; a data URI.
_LINK = re.compile(
    r"\b[a-z][a-z0-9+.-]*:(?:\\?/){2}\S+|\S*\bhttps?%3A%2F%2F\S*|\S*X-Amz-\S*"
    r"|\S*(?:[?&]|%3F|%26)t(?:=|%3D)[\w-]{43}\S*|\bdata:[^\s,]*;base64,\S*",
    re.IGNORECASE,
)
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
    shown = _TOKEN.sub(HIDDEN, Echoes(secrets).removed(one_line(_LINK.sub("[link]", text))))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def unechoed(text: str, secret: str) -> str:
    """The text without echoes of a secret, in lower case. For reading the text, not for showing it."""
    return Echoes([secret]).removed(folded(one_line(text[:_MOST_SEARCHED])))
