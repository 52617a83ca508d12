"""The vendors' words for the status of work.

An adapter passes the words that its vendor documents, and these decide. Gateways, proxies and new releases of a vendor
use other words for the same five states: this module knows the words that public APIs use. Case, spaces, hyphens and
underscores do not count: "In Progress", "IN_PROGRESS" and "in-progress" are one word.

A word that is not known is no news: the state is `RemoteStatus.UNKNOWN`, and the pipeline reads on.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final

from pydantic import JsonValue

from providers.base import RemoteState, RemoteStatus

_PUBLIC: Final[Mapping[RemoteStatus, str]] = {
    RemoteStatus.QUEUED: """
        accepted created inqueue notstarted notstart pending preparing queue queued queueing queuing scheduled starting
        submitted throttled wait waiting
    """,
    RemoteStatus.RUNNING: """
        dreaming executing generating inference inprogress postprocessing processing rendering running started
        uploading working
    """,
    RemoteStatus.SUCCEEDED: """
        complete completed done finish finished ready succeed succeeded success successful
    """,
    RemoteStatus.FAILED: """
        error errored expired fail failed failure moderated contentmoderated requestmoderated rejected timedout timeout
    """,
    RemoteStatus.CANCELLED: """
        abort aborted cancel canceled cancelled terminated
    """,
}
# Enumerations are often written with their name: "TASK_STATUS_SUCCEED", "JOB_STATE_FAILED".
_PREFIXES: Final = ("", *map("".join, product(("task", "job", "video", ""), ("status", "state"))))


def _spellings() -> Iterator[tuple[str, RemoteStatus]]:
    for status, words in _PUBLIC.items():
        for word in words.split():
            yield from ((prefix + word, status) for prefix in _PREFIXES)


_SYNONYMS: Final[Mapping[str, RemoteStatus]] = dict(_spellings())


def read_status(word: JsonValue, documented: Mapping[str, RemoteStatus]) -> RemoteStatus:
    """The status that a vendor's word stands for.

    Args:
        documented: the words that the vendor documents.
    """
    if not isinstance(word, str | int | float):
        return RemoteStatus.UNKNOWN
    said = _said(word)
    plain = _plain(said)
    own = documented.get(said) or next((documented[each] for each in documented if _plain(each) == plain), None)
    return own or _SYNONYMS.get(plain, RemoteStatus.UNKNOWN)


def no_news(word: JsonValue) -> RemoteState:
    """The state of work whose status is not known. `word`: the vendor's word for it."""
    return RemoteState(RemoteStatus.UNKNOWN, word="missing" if word is None else _said(word))


def _said(word: JsonValue) -> str:
    return f"{word:g}" if isinstance(word, float) else str(word)


def _plain(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())
