"""Checks the messages of our queues before Celery reads them, and writes each anew from the parts that it may have.

Celery trusts a message: a header of the wrong type leaves the message unacknowledged for good, or ends the worker, and
a message may name other work to do after its own. So Celery sees only messages in the form of this module. A message to
the Redis door that is no order becomes a `generation.refuse`, which answers its sender.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from schemas.enums import Queue, TaskName
from schemas.json_values import MOST_VALUES, TOO_MANY_VALUES, count_values
from schemas.stages import WORK

TASKS_OF: Final[Mapping[str, frozenset[str]]] = {
    **{queue.value: frozenset(work.task.value for work in WORK.values() if work.queue is queue) for queue in Queue},
    # After a callback, the worker that fetches the file also polls.
    Queue.DOWNLOAD.value: frozenset({TaskName.DOWNLOAD.value, TaskName.POLL.value}),
    Queue.REQUESTS.value: frozenset({TaskName.ENQUEUE.value}),
    Queue.CONTROL.value: frozenset({TaskName.WAKE.value}),
    Queue.SWEEP.value: frozenset({TaskName.SWEEP.value}),
}
"""The tasks that each queue may bring."""

MESSAGE_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")
"""The form of a message's id, which names its answer in Redis."""

_LONGEST_QUOTE = 100
_HIDDEN = "(hidden)"
_HIGHEST_PRIORITY = 9


class Unreadable(Exception):
    """A message to discard: no sender can be told. The text quotes at most the name of a task."""


class _Refused(Exception):
    """A message whose sender can be told what is wrong."""


@dataclass(frozen=True)
class _Parts:
    """The parts of a message, still of any type."""

    headers: Mapping[str, object]
    properties: Mapping[str, object]
    arguments: object
    keywords: object
    embedded: object


def checked(raw: bytes, queue: str) -> dict[str, object]:
    """The message to give to Celery.

    Args:
        raw: the message, as it stands in Redis.
        queue: the queue that it came from.

    Raises:
        Unreadable: the message is to be discarded.
    """
    message = _json(raw)
    if not isinstance(message, dict):
        raise Unreadable("the message is no JSON object")
    headers = _mapping(message.get("headers"))
    parts = _Parts(headers, _mapping(message.get("properties")), [], {}, {})
    try:
        parts = _parts(message, headers)
        task = _task(parts.headers, queue)
        arguments, keywords = _arguments(parts)
        expires = _expires(parts.headers)
    except _Refused as refused:
        if queue != Queue.REQUESTS or _text(parts.headers.get("id")) is None:
            raise Unreadable(str(refused)) from None
        task, arguments, keywords, expires = TaskName.REFUSE.value, [], {"detail": str(refused)}, None
    return _message(queue, task, parts, [arguments, keywords, {}], expires)


def _json(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _parts(message: Mapping[str, object], headers: Mapping[str, object]) -> _Parts:
    if headers.get("compression"):
        raise _Refused("the message is compressed: send plain JSON")
    if message.get("content-type") != "application/json":
        raise _Refused("the message must have the content type application/json")
    properties = message.get("properties")
    if not isinstance(properties, dict):
        raise _Refused("the message's properties must be an object")
    body = _body(message.get("body"), properties.get("body_encoding"))
    if "task" not in headers and isinstance(body, dict):
        return _first_protocol(body, properties)
    if not isinstance(body, list) or len(body) != len(("arguments", "keywords", "embedded")):
        raise _Refused("the message's body must be a list of arguments, keyword arguments and options")
    return _Parts(headers, properties, *body)


def _first_protocol(body: Mapping[str, object], properties: Mapping[str, object]) -> _Parts:
    """The parts of a message of Celery's protocol 1, in which the body holds everything."""
    embedded = {name: body.get(name) for name in ("callbacks", "errbacks", "chord")}
    headers = {**body, "group": body.get("taskset")}
    return _Parts(headers, properties, body.get("args", []), body.get("kwargs", {}), embedded)


def _body(body: object, encoding: object) -> object:
    if not isinstance(body, str):
        raise _Refused("the message's body must be a text")
    if encoding is None or encoding == "utf-8":
        document = body.encode("utf-8", "surrogatepass")
    elif encoding == "base64":
        try:
            document = base64.b64decode(body, validate=True)
        except (ValueError, binascii.Error):
            raise _Refused("the message's body is not base64") from None
    else:
        raise _Refused("the message's body_encoding must be base64")
    if count_values(document) > MOST_VALUES:
        raise _Refused(f"the message is too large: {TOO_MANY_VALUES}")
    parsed = _json(document)
    if parsed is None:
        raise _Refused("the message's body is not JSON")
    return parsed


def _task(headers: Mapping[str, object], queue: str) -> str:
    task = headers.get("task")
    if not isinstance(task, str) or task not in TASKS_OF[queue]:
        named = repr(task[:_LONGEST_QUOTE]) if isinstance(task, str) else "no task"
        raise _Refused(f"the queue {queue} takes {' and '.join(sorted(TASKS_OF[queue]))}, not {named}")
    if _text(headers.get("id")) is None:
        raise _Refused("the message needs an id of its own, e.g. a UUID: up to 200 visible characters")
    if headers.get("eta") is not None:
        raise _Refused("an order is taken at once: send it without eta or countdown")
    if headers.get("group") is not None:
        raise _Refused("an order stands alone: send it without a group")
    return task


def _arguments(parts: _Parts) -> tuple[list[object], dict[str, object]]:
    arguments, keywords, embedded = parts.arguments, parts.keywords, parts.embedded
    if not isinstance(arguments, list) or not isinstance(keywords, dict):
        raise _Refused("the message's arguments must be a list, and its keyword arguments an object")
    if embedded is not None and (not isinstance(embedded, dict) or any(embedded.values())):
        raise _Refused("an order stands alone: send it without chain, chord, link or link_error")
    return arguments, keywords


def _expires(headers: Mapping[str, object]) -> str | None:
    expires = headers.get("expires")
    if expires is None:
        return None
    try:
        return datetime.fromisoformat(expires if isinstance(expires, str) else "").isoformat()
    except ValueError:
        raise _Refused("the message's expires must be an ISO 8601 time") from None


def _message(queue: str, task: str, parts: _Parts, body: list[object], expires: str | None) -> dict[str, object]:
    task_id = _text(parts.headers.get("id"))
    priority = parts.properties.get("priority")
    is_priority = isinstance(priority, int) and not isinstance(priority, bool) and 0 <= priority <= _HIGHEST_PRIORITY
    return {
        "body": base64.b64encode(json.dumps(body).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": task,
            "id": task_id,
            "root_id": task_id,
            "parent_id": None,
            "group": None,
            "expires": expires,
            "ignore_result": parts.headers.get("ignore_result") is True,
            "argsrepr": _HIDDEN if queue == Queue.REQUESTS else repr(body[0])[:_LONGEST_QUOTE],
            "kwargsrepr": _HIDDEN,
        },
        "properties": {
            "correlation_id": task_id,
            "reply_to": _text(parts.properties.get("reply_to")),
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": priority if is_priority else 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and MESSAGE_ID.fullmatch(value) else None
