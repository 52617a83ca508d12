"""Removes secrets, prompts and links from vendors' texts. Messages quote these texts, and logs show the messages.

A vendor can repeat a part of a prompt, and a key as base64, as a part of a URL or as a JSON text. So a text of 12 or
more characters is removed by runs of 12 characters, in each of these forms and in any case of letters.

A shorter text could be a common word: the prompt "a" must not blank every message. A text of 4 to 11 characters is
removed where the text stands alone, and a shorter text only in quotation marks.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from schemas.setting_groups import ProviderSettings

# A link, also with escaped characters; the end of a link to the object store or to the gateway, if the vendor quotes
# only that part; a data URI.
_LINK = re.compile(
    r"\b[a-z][a-z0-9+.-]*:(?:\\?/){2}\S+|\S*\bhttps?%3A%2F%2F\S*|\S*X-Amz-\S*"
    r"|\S*(?:[?&]|%3F|%26)t(?:=|%3D)[\w-]{43}\S*|\bdata:[^\s,]*;base64,\S*",
    re.IGNORECASE,
)
# The token of a callback URL or of a link to an input, alone: an HMAC of 32 bytes as base64.
_TOKEN = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f]+")
LONGEST = 300
_MOST_READ = 2_000
_MOST_SEARCHED = 20_000
_ECHO = 12
_WORD = 4
_HIDDEN = "[…]"
# The name of an option that holds a key.
_KEY = re.compile("key|secret|token|password", re.IGNORECASE)


def quotable(text: str, *, secrets: Iterable[str] = (), longest: int = LONGEST) -> str:
    """The first characters of a text, on one line, without links, tokens and echoes of secrets."""
    # A text can have megabytes, and the quotation needs only its beginning. Cut at a space: half a word could be the
    # beginning of a secret.
    if len(text) > _MOST_READ:
        text = text[:_MOST_READ].rpartition(" ")[0] or text[: LONGEST + 1]
    shown = _TOKEN.sub(_HIDDEN, _without(_one_line(_LINK.sub("[link]", text)), secrets))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def keys_of(settings: ProviderSettings) -> Iterator[str]:
    """The keys of an account, also those among the options. No message may repeat a key."""
    yield settings.api_key.get_secret_value()
    yield settings.webhook_key.get_secret_value()
    yield settings.also_accepted_webhook_key.get_secret_value()
    yield from (value.get_secret_value() for name, value in settings.options.items() if _KEY.search(name))


def unechoed(text: str, secret: str) -> str:
    """The text without echoes of a secret, in lower case. For reading the text, not for showing it."""
    return _without(_folded(_one_line(text[:_MOST_SEARCHED])), [secret])


def _without(text: str, secrets: Iterable[str]) -> str:
    folded = _folded(text)
    hidden: set[int] = set()
    runs: set[str] = set()
    for form in {_folded(form) for secret in secrets for form in _forms(secret)}:
        if len(form) < _ECHO:
            hidden.update(place for found in _alone(form).finditer(folded) for place in range(*found.span()))
        else:
            runs.update(form[start : start + _ECHO] for start in range(len(form) - _ECHO + 1))
    for start in range(len(text) - _ECHO + 1):
        if folded[start : start + _ECHO] in runs:
            hidden.update(range(start, start + _ECHO))
    shown = "".join("\0" if place in hidden else character for place, character in enumerate(text))
    return re.sub("\0+", _HIDDEN, shown)


def _forms(secret: str) -> Iterator[str]:
    """The forms in which a vendor can repeat a text."""
    plain = _one_line(secret)
    if plain:
        yield plain
    if len(plain) >= _ECHO:
        yield json.dumps(secret)[1:-1]
        yield json.dumps(secret, ensure_ascii=False)[1:-1]
        yield html.escape(plain)
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


def _one_line(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text).strip()


def _folded(text: str) -> str:
    """The text in lower case, with as many characters."""
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)
