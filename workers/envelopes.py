"""Checks the messages of our queues before Celery reads them, and writes each anew from the parts that it may have.

Celery trusts a message: a header of the wrong type leaves the message unacknowledged for good, or ends the worker, and
a message may name other work to do after its own. So Celery sees only messages in the form of this module. A message to
the Redis door that is no order becomes a `generation.refuse`, which answers its sender.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.enums import Queue, TaskName
from schemas.plain_messages import Refused, Unreadable, content, mapping, parsed_object, plain_message, visible
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

_LONGEST_QUOTE = 100
_HIDDEN = "(hidden)"
_HIGHEST_PRIORITY = 9


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
    message = parsed_object(raw)
    headers = mapping(message.get("headers"))
    parts = _Parts(headers, mapping(message.get("properties")), [], {}, {})
    try:
        parts = _parts(message, headers)
        task = _task(parts.headers, queue)
        arguments, keywords = _arguments(parts)
        expires = _expires(parts.headers)
    except Refused as refused:
        if queue != Queue.REQUESTS or visible(parts.headers.get("id")) is None:
            raise Unreadable(str(refused)) from None
        task, arguments, keywords, expires = TaskName.REFUSE.value, [], {"detail": str(refused)}, None
    return _message(queue, task, parts, [arguments, keywords, {}], expires)


def _parts(message: Mapping[str, object], headers: Mapping[str, object]) -> _Parts:
    body, properties = content(message), mapping(message.get("properties"))
    if "task" not in headers and isinstance(body, dict):
        return _first_protocol(body, properties)
    if not isinstance(body, list) or len(body) != len(("arguments", "keywords", "embedded")):
        raise Refused("the message's body must be a list of arguments, keyword arguments and options")
    return _Parts(headers, properties, *body)


def _first_protocol(body: Mapping[str, object], properties: Mapping[str, object]) -> _Parts:
    """The parts of a message of Celery's protocol 1, in which the body holds everything."""
    embedded = {name: body.get(name) for name in ("callbacks", "errbacks", "chord")}
    headers = {**body, "group": body.get("taskset")}
    return _Parts(headers, properties, body.get("args", []), body.get("kwargs", {}), embedded)


def _task(headers: Mapping[str, object], queue: str) -> str:
    task = headers.get("task")
    if not isinstance(task, str) or task not in TASKS_OF[queue]:
        named = repr(task[:_LONGEST_QUOTE]) if isinstance(task, str) else "no task"
        raise Refused(f"the queue {queue} takes {' and '.join(sorted(TASKS_OF[queue]))}, not {named}")
    if visible(headers.get("id")) is None:
        raise Refused("the message needs an id of its own, e.g. a UUID: up to 200 visible characters")
    if headers.get("eta") is not None:
        raise Refused("an order is taken at once: send it without eta or countdown")
    if headers.get("group") is not None:
        raise Refused("an order stands alone: send it without a group")
    return task


def _arguments(parts: _Parts) -> tuple[list[object], dict[str, object]]:
    arguments, keywords, embedded = parts.arguments, parts.keywords, parts.embedded
    if not isinstance(arguments, list) or not isinstance(keywords, dict):
        raise Refused("the message's arguments must be a list, and its keyword arguments an object")
    if embedded is not None and (not isinstance(embedded, dict) or any(embedded.values())):
        raise Refused("an order stands alone: send it without chain, chord, link or link_error")
    return arguments, keywords


def _expires(headers: Mapping[str, object]) -> str | None:
    expires = headers.get("expires")
    if expires is None:
        return None
    try:
        return datetime.fromisoformat(expires if isinstance(expires, str) else "").isoformat()
    except ValueError:
        raise Refused("the message's expires must be an ISO 8601 time") from None


def _message(queue: str, task: str, parts: _Parts, body: list[object], expires: str | None) -> dict[str, object]:
    task_id = visible(parts.headers.get("id"))
    priority = parts.properties.get("priority")
    is_priority = isinstance(priority, int) and not isinstance(priority, bool) and 0 <= priority <= _HIGHEST_PRIORITY
    headers = {
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
    }
    properties = {
        "correlation_id": task_id,
        "reply_to": visible(parts.properties.get("reply_to")),
        "priority": priority if is_priority else 0,
    }
    return plain_message(body, headers, properties, routing_key=queue)
