"""Checks the messages of our queues before Celery reads them, and writes each anew from the parts that it may have.

Celery trusts a message: a header of the wrong type leaves the message unacknowledged for good, or ends the worker, and
a message may name other work to do after its own. So Celery sees only messages in the form of this module. The queue
`requests` has no Celery worker: `intake.redis.envelopes` reads its messages.
"""

from collections.abc import Mapping
from typing import Final

from schemas.celery_messages import Call, call_of, parts_of
from schemas.enums import Queue, TaskName
from schemas.plain_messages import Refused, Unreadable, parsed_object, plain_message
from schemas.stages import WORK

TASKS_OF: Final[Mapping[str, frozenset[str]]] = {
    **{work.queue.value: frozenset({work.task.value}) for work in WORK.values()},
    Queue.POLL.value: frozenset({TaskName.POLL.value, TaskName.STOP.value}),
    # After a callback, the worker that fetches the file also polls.
    Queue.DOWNLOAD.value: frozenset({TaskName.DOWNLOAD.value, TaskName.POLL.value}),
    Queue.VARIANTS.value: frozenset({TaskName.VARIANT.value}),
    Queue.CONTROL.value: frozenset({TaskName.WAKE.value, TaskName.GRANT.value}),
    Queue.SWEEP.value: frozenset({TaskName.SWEEP.value}),
}
"""The tasks that each queue may bring."""

_LONGEST_QUOTE = 100
_HIDDEN = "(hidden)"
_HIGHEST_PRIORITY = 9


def checked(raw: bytes, queue: str) -> dict[str, object]:
    """The message to give to Celery.

    Args:
        raw: the message, as it stands in Redis.
        queue: the queue that it came from.

    Raises:
        Unreadable: the message is to be discarded.
    """
    message = parsed_object(raw)
    try:
        parts = parts_of(message)
        task = _task(parts.headers.get("task"), queue)
        return _message(queue, task, parts.properties, call_of(parts))
    except Refused as refused:
        raise Unreadable(str(refused)) from None


def _task(task: object, queue: str) -> str:
    if isinstance(task, str) and task in TASKS_OF[queue]:
        return task
    named = repr(task[:_LONGEST_QUOTE]) if isinstance(task, str) else "no task"
    raise Refused(f"the queue {queue} takes {' and '.join(sorted(TASKS_OF[queue]))}, not {named}")


def _message(queue: str, task: str, properties: Mapping[str, object], call: Call) -> dict[str, object]:
    priority = properties.get("priority")
    is_priority = isinstance(priority, int) and not isinstance(priority, bool) and 0 <= priority <= _HIGHEST_PRIORITY
    headers = {
        "lang": "py",
        "task": task,
        "id": call.id,
        "root_id": call.id,
        "parent_id": None,
        "group": None,
        "expires": call.expires.isoformat() if call.expires else None,
        "ignore_result": True,
        "argsrepr": repr(call.arguments)[:_LONGEST_QUOTE],
        "kwargsrepr": _HIDDEN,
    }
    kept = {"correlation_id": call.id, "priority": priority if is_priority else 0}
    return plain_message([call.arguments, call.keywords, {}], headers, kept, routing_key=queue)
