"""Removes secrets from log lines, ours and those of libraries: the processor `Redaction`.

A line loses: the secrets of the settings in every form; the texts of the customer whose work is being done (`hidden`);
keys, tokens, passwords and queries in URLs by their form (`secret_forms.py`); and every field whose name says that the
field is a secret. The callers of a log pass what they know, and need not think of secrets.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import cached_property
from typing import Final

from structlog.types import EventDict

from schemas.echoes import HIDDEN, Echoes
from schemas.secret_forms import without_secret_forms

Texts = Callable[[], Iterable[str]]

_TEXTS: Final = "_texts"
"""The field that carries the texts of `hidden`. No line shows it."""

# Our own words. Each line has them, and a search in them would cost more than all else.
_OURS: Final = frozenset(
    {"timestamp", "level", "logger", "generation_id", "provider", "operation", "stage", "origin", "event"}
)
# Ids, and names of our code. In these forms, no value holds a text of a customer.
_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CLOSED_FORMS: Final = {
    **dict.fromkeys(("trace_id", "request_id", "customer_id", "remote_id"), _ID),
    **dict.fromkeys(("task", "code"), re.compile(r"[a-z_.]{1,64}")),
    "error": re.compile(r"[A-Za-z]{1,64}Error"),
}
_SECRET_NAME: Final = re.compile(
    "secret|token|passw|prompt|authorization|cookie|credential|api_key|signature", re.IGNORECASE
)
_LONGEST: Final = 16_384
"""The characters of a value that a line shows at most."""


class _Texts:
    """The texts of a customer. Their forms are made once, for the first line that could hold one."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def removed(self, text: str) -> str:
        """The text without the customer's."""
        return HIDDEN if self._echoes is None else self._echoes.removed(text)

    @cached_property
    def _echoes(self) -> Echoes | None:
        try:
            return Echoes(self._texts())
        except Exception:  # noqa: BLE001 -- the crash may come from an order that cannot be read; its texts stay out
            return None


def hidden(texts: Texts) -> dict[str, object]:
    """The variable of structlog's context that keeps these texts out of the lines of the context.

    Args:
        texts: called once at most, for the first line that could hold them.
    """
    return {_TEXTS: _Texts(texts)}


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
        texts: _Texts | None = event.pop(_TEXTS, None)
        is_ours = bool(event.get("_from_structlog"))
        for name, value in event.items():
            if name.startswith("_") or (name in _OURS and (is_ours or name != "event")):
                continue
            if is_ours and (form := _CLOSED_FORMS.get(name)) and isinstance(value, str) and form.fullmatch(value):
                event[name] = self._secrets.removed(value)
            else:
                event[name] = HIDDEN if _SECRET_NAME.search(name) else self._shown(value, texts)
        return event

    def _shown(self, value: object, texts: _Texts | None) -> object:
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

    def _safe(self, text: str, texts: _Texts | None) -> str:
        shown = self._secrets.removed(_cut(text))
        if texts is not None:
            shown = texts.removed(shown)
        return without_secret_forms(shown)


def _cut(text: str) -> str:
    """The first words of a long text. The word at the cut goes: the word could be half of a secret."""
    if len(text) <= _LONGEST:
        return text
    whole, *rest = text[:_LONGEST].rsplit(maxsplit=1)
    return f"{whole} …" if rest else "…"
