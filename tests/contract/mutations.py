"""Changes to vendors' answers, by rule: the ways in which gateways, proxies and new releases differ from the documents.

Each rule makes answers of one answer. None of the rules changes the meaning of an answer, except that a rule of
`LOSSES` can take the result away.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import partial
from typing import Any

from providers.base import RemoteStatus

Rule = Callable[[bytes], Iterator[bytes]]

FILE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
DATA_LINK = f"data:image/png;base64,{base64.b64encode(FILE).decode()}"

_STATUSES = frozenset({"status", "state", "task_status", "status_str"})
_EXPLANATIONS = frozenset(
    {"error", "failure", "failMsg", "errorMessage", "task_status_msg", "message", "exception_message"}
)
# Without these members, an answer says nothing about the work. ComfyUI names a member by the id of the work.
_NEEDED = frozenset({*_STATUSES, "successFlag", "done", "code", "data", "request_id", "task_1"})

SYNONYMS: Mapping[RemoteStatus, tuple[str, ...]] = {
    RemoteStatus.QUEUED: ("queued", "PENDING", "submitted", "Waiting"),
    RemoteStatus.RUNNING: ("running", "processing", "IN_PROGRESS", "In Progress", "generating"),
    RemoteStatus.SUCCEEDED: ("succeeded", "COMPLETED", "Success", "done", "finished", "succeed"),
    RemoteStatus.FAILED: ("failed", "ERROR", "expired", "Failure", "fail"),
    RemoteStatus.CANCELLED: ("cancelled", "canceled", "ABORTED"),
}


def in_other_cases(answer: bytes) -> Iterator[bytes]:
    """The word of the status in other cases."""
    for change in (str.upper, str.lower, str.title, str.swapcase):
        yield from _with_word(answer, change)


def with_synonyms(status: RemoteStatus) -> Rule:
    """A rule: other words for the status."""

    def rule(answer: bytes) -> Iterator[bytes]:
        for word in SYNONYMS[status]:
            yield from _with_word(answer, partial(_other, word))

    return rule


def with_more_members(answer: bytes) -> Iterator[bytes]:
    """Members that nobody documents, in every object."""
    more = {"trace": {"id": 7, "hops": ["a", "b"]}, "x_note": "nothing to see", "cached": False, "eta": None}

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(member) for name, member in value.items()} | more
        return [filled(item) for item in value] if isinstance(value, list) else value

    yield _written(filled(json.loads(answer)))


def with_numbers_as_texts(answer: bytes) -> Iterator[bytes]:
    """Every number and every boolean as a text."""

    def text(_: str, value: Any) -> Any:
        return json.dumps(value) if isinstance(value, bool | int | float) else value

    yield from _changed(answer, text)


def with_texts_as_numbers(answer: bytes) -> Iterator[bytes]:
    """Every text that is a number, as a number."""

    def number(_: str, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) and value.isdigit() else value

    yield from _changed(answer, number)


def with_data_links(answer: bytes) -> Iterator[bytes]:
    """A `data:` URI in place of every link."""
    yield from _changed(answer, lambda _, value: DATA_LINK if _is_link(value) else value)


def with_spaces(answer: bytes) -> Iterator[bytes]:
    """A space in every link."""
    yield from _changed(answer, lambda _, value: f" {value}&name=my file.png\n" if _is_link(value) else value)


def with_captions(answer: bytes) -> Iterator[bytes]:
    """A text beside every link."""

    def captioned(_: str, value: Any) -> Any:
        if isinstance(value, list) and value and all(map(_is_link, value)):
            return ["a lighthouse, seen from the sea", *value]
        return value

    yield from _changed(answer, captioned)


def with_other_explanations(answer: bytes) -> Iterator[bytes]:
    """The explanation of a failure as a text, as a list, and as an object."""
    for form in (
        str,
        lambda text: [text],
        lambda text: {"message": text},
        lambda text: [{"msg": text, "loc": ["body"]}],
    ):

        def explained(name: str, value: Any, form: Callable[[str], Any] = form) -> Any:
            text = value.get("message") if isinstance(value, dict) else value
            return form(text) if name in _EXPLANATIONS and isinstance(text, str) and text else value

        yield from _changed(answer, explained)


def with_fewer_members(answer: bytes) -> Iterator[bytes]:
    """Each member that is not needed left out, one at a time."""
    document = json.loads(answer)
    for path in _paths(document):
        if path[-1] in _NEEDED:
            continue
        fewer = deepcopy(document)
        holder = fewer
        for step in path[:-1]:
            holder = holder[step]
        del holder[path[-1]]
        yield json.dumps(fewer).encode()


KEEPING_THE_RESULT: Mapping[str, Rule] = {
    "case": in_other_cases,
    "synonyms": with_synonyms(RemoteStatus.SUCCEEDED),
    "more members": with_more_members,
    "numbers as texts": with_numbers_as_texts,
    "texts as numbers": with_texts_as_numbers,
    "captions": with_captions,
}
LOSSES: Mapping[str, Rule] = {"fewer members": with_fewer_members}


def _other(word: str, _: str) -> str:
    return word


def _with_word(answer: bytes, change: Callable[[str], str]) -> Iterator[bytes]:
    """The answer with another word for the status."""
    return _changed(answer, lambda name, value: change(value) if _is_word(name, value) else value)


def _is_word(name: str, value: Any) -> bool:
    return name in _STATUSES and isinstance(value, str)


def _is_link(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://media.example/", "gs://"))


def _changed(answer: bytes, change: Callable[[str, Any], Any]) -> Iterator[bytes]:
    """The answer with changed values, if the change has an effect."""
    document = json.loads(answer)
    changed = _walk(document, change)
    if changed != document:
        yield _written(changed)


def _walk(value: Any, change: Callable[[str, Any], Any], name: str = "") -> Any:
    """A copy of a document with changed values. A text that holds a document is changed inside."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        return json.dumps(_walk(json.loads(value), change))
    changed = change(name, value)
    if changed is not value:
        return changed
    if isinstance(value, dict):
        return {key: _walk(member, change, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_walk(item, change, name) for item in value]
    return value


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all members of the objects in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in items:
        if isinstance(value, dict):
            yield (*above, step)
        yield from _paths(member, (*above, step))


def _written(document: Any) -> bytes:
    return json.dumps(document).encode()
