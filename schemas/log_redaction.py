"""Removes secrets from log lines, ours and those of libraries: the processor `Redaction`.

A line loses: the secrets of the settings in every form; the texts of the customer whose work is being done (`hidden`);
keys, tokens, passwords and queries in URLs by their form; and every field whose name says that it is a secret. The
callers of a log pass what they know, and need not think of secrets.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Final

from structlog.types import EventDict

from schemas.echoes import HIDDEN, Echoes

_TEXTS: Final = "_texts"
"""The field that carries the texts of `hidden`. No line shows it."""

# Our own words. Each line has them, and a search in them would cost more than all else.
_OURS: Final = frozenset(
    {"timestamp", "level", "logger", "generation_id", "provider", "operation", "stage", "origin", "event"}
)
_SECRET_NAME: Final = re.compile(
    "secret|token|passw|prompt|authorization|cookie|credential|api_key|signature", re.IGNORECASE
)
_LONGEST: Final = 16_384

# Scheme and host of a URL stay. User, password, path and query go: the path of a result's link is a secret, too.
_URL: Final = re.compile(
    r"""\b(?P<scheme>[a-z][a-z0-9+.-]*:(?:\\?/){2})(?:[^\s/@]*@)?(?P<host>[^\s/?#"'<>)\]},]*)(?P<rest>[/?#][^\s"'<>)]*)?""",
    re.IGNORECASE,
)
# What has the form of a secret, wherever it stands.
_FORMS: Final = (
    # The query of a path without a host: tokens of signed links, searches in Flower.
    (re.compile(r"\?[\w.\[\]%-]+=[^\s\"'<>)]*"), f"?{HIDDEN}"),
    (re.compile(r"\S*(?:%3F|%26)[\w-]+%3D\S*", re.IGNORECASE), HIDDEN),
    (re.compile(r"\bdata:[^\s,]*;base64,[^\s\"']*", re.IGNORECASE), f"data:{HIDDEN}"),
    (re.compile(r"\b(rw_(?:test_)?|whsec_|sk-)[\w+/=-]{16,}"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(Bearer|Basic|Key|Token)\s+[\w+/=.:~-]{16,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # JSON web tokens, as Kling and Google take them.
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), HIDDEN),
    # Our tokens of links: an HMAC of 32 bytes as base64.
    (re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])", re.ASCII), HIDDEN),
)

Texts = Callable[[], Iterable[str]]


def hidden(texts: Texts) -> dict[str, Texts]:
    """The variable of structlog's context that keeps these texts out of the lines of the context.

    Args:
        texts: called only for a line that could hold them.
    """
    return {_TEXTS: texts}


def texts_in(document: object) -> Iterator[str]:
    """Every text of a JSON document."""
    match document:
        case str():
            yield document
        case Mapping():
            yield from (text for each in document.values() for text in texts_in(each))
        case list():
            yield from (text for each in document for text in texts_in(each))


class Redaction:
    """The processor. It must run after tracebacks are written, and before the line is."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Look for these secrets, and for all that has the form of one."""
        self._secrets = Echoes(secrets)

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """Remove the secrets from the values of a line."""
        texts: Texts | None = event.pop(_TEXTS, None)
        is_ours = bool(event.get("_from_structlog"))
        for name, value in event.items():
            if name.startswith("_") or (name in _OURS and (is_ours or name != "event")):
                continue
            event[name] = HIDDEN if _SECRET_NAME.search(name) else self._shown(value, texts)
        return event

    def _shown(self, value: object, texts: Texts | None) -> object:
        match value:
            case None | bool() | int() | float() | Enum():
                return value
            case str():
                return self._safe(value, texts)
            case Mapping():
                return {
                    str(name): HIDDEN if _SECRET_NAME.search(str(name)) else self._shown(each, texts)
                    for name, each in value.items()
                }
            case list() | tuple() | set() | frozenset():
                return [self._shown(each, texts) for each in value]
            case _:
                return self._safe(str(value), texts)

    def _safe(self, text: str, texts: Texts | None) -> str:
        shown = self._secrets.removed(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
        if texts is not None:
            shown = _without_texts(shown, texts)
        shown = _URL.sub(_origin, shown)
        for form, replacement in _FORMS:
            shown = form.sub(replacement, shown)
        return shown


def _without_texts(text: str, texts: Texts) -> str:
    try:
        return Echoes(texts()).removed(text)
    except Exception:  # noqa: BLE001 -- the order of a crash may be what cannot be read; its texts stay out all the same
        return HIDDEN


def _origin(url: re.Match[str]) -> str:
    return url["scheme"] + url["host"] + ("" if url["rest"] in (None, "/") else f"/{HIDDEN}")
