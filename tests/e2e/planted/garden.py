"""Secrets that a test plants, the outputs of a system, and the table of which may appear where."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from schemas.echoes import Echoes

_PIECE: Final = 400
_OVERLAP: Final = 64


class Sort(StrEnum):
    """What a planted text is."""

    OPERATOR = "a secret of the operator"
    """Passwords, keys of vendors, keys that sign."""
    KEY = "an API key"
    """A key of a customer, a service or the operator."""
    TOKEN = "a token or a signature"
    """The tokens of callback URLs and of links, and presigned links."""
    ENDPOINT = "the secret of a webhook endpoint"
    CONTENT = "a text of an order"
    """A prompt, an input, a `callback_url`."""
    LABEL = "a customer's own label"
    """A `reference`, an entry of `metadata`."""
    NAME = "a name that a client chose"
    """An idempotency key, the name of a file, a cookie, a query."""


class Output(StrEnum):
    """A place in which a system writes."""

    LOGS = "the logs of every process"
    DATABASE_LOG = "the logs of PostgreSQL, Redis and the object store"
    METRICS = "/metrics of every process"
    FLOWER = "Flower's pages and API"
    FLOWER_STATE = "Flower's state file"
    CELERY_EVENTS = "what is published in Redis"
    REDIS = "the keys in Redis"
    DEAD = "the dead messages of the Redis door"
    """Kept as they came, for the operator."""
    STREAM = "the stream reelworks:events"
    OWN_DOCUMENTS = "the customer's own documents"
    PROBLEMS = "problem documents"
    TIMELINES = "timelines"
    COMMANDS = "the output of reelworks"
    COMMAND_LINES = "the command lines of the processes"
    WEBHOOKS = "webhooks"


ALLOWED: Final[Mapping[Sort, frozenset[Output]]] = {
    Sort.OPERATOR: frozenset(),
    Sort.KEY: frozenset(),
    Sort.TOKEN: frozenset(),
    Sort.ENDPOINT: frozenset(),
    # A customer reads what the customer wrote.
    Sort.CONTENT: frozenset({Output.OWN_DOCUMENTS, Output.DEAD}),
    Sort.LABEL: frozenset({Output.OWN_DOCUMENTS, Output.STREAM, Output.WEBHOOKS}),
    # A refusal quotes a wrong name to its sender, over HTTP and over Redis.
    Sort.NAME: frozenset({Output.PROBLEMS, Output.REDIS, Output.CELERY_EVENTS}),
}
"""Where each sort may appear. Everything else is a leak."""


@dataclass(frozen=True)
class Planted:
    """A text that is nowhere else in the world."""

    name: str
    """What it is, for the report: `the password of the database`."""
    text: str = field(repr=False)
    """The text."""
    sort: Sort
    """Its sort."""

    def may_appear_in(self, output: Output) -> bool:
        """Whether the table allows it there."""
        return output in ALLOWED[self.sort]


def planted(name: str, sort: Sort, *, form: Callable[[str], str] = str) -> Planted:
    """A new text, in a form such as that of a URL."""
    return Planted(name, form(uuid.uuid4().hex), sort)


@dataclass
class Garden:
    """All that is planted, and all that is written."""

    planted: list[Planted] = field(default_factory=list)
    """The secrets."""
    written: dict[Output, dict[str, str]] = field(default_factory=dict)
    """The texts of each output, by their names."""

    def plant(self, *secrets: Planted) -> None:
        """Add secrets, also after they were used."""
        self.planted.extend(secrets)

    def wrote(self, output: Output, name: str, text: str) -> None:
        """Add what was written."""
        self.written.setdefault(output, {})[name] = text

    def leaks(self) -> list[str]:
        """Each secret that appears where it may not, with the place and the text around it."""
        found: list[str] = []
        for output, texts in self.written.items():
            forbidden = [one for one in self.planted if not one.may_appear_in(output)]
            echoes = Echoes(one.text for one in forbidden)
            for name, text in texts.items():
                for around in _parts_with_echoes(echoes, text):
                    names = [
                        f"{one.name} ({one.sort})" for one in forbidden if Echoes([one.text]).removed(around) != around
                    ]
                    found.append(f"{', '.join(names)} in {output}: {name}: {around}")
        return found


def _parts_with_echoes(echoes: Echoes, text: str) -> Iterator[str]:
    """Pieces of a text that hold an echo. Pieces overlap, so that each echo lies within one."""
    for start in range(0, len(text), _PIECE):
        piece = text[max(0, start - _OVERLAP) : start + _PIECE]
        if echoes.removed(piece) != piece:
            yield re.sub(r"\s+", " ", piece)
