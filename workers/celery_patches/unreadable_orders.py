"""Answers a message of the Redis door that Celery cannot read.

Celery discards a message whose body it cannot decode, and its task crashes at arguments of a wrong type. The sender
would wait for an answer in vain, or learn nothing.
"""

from collections.abc import Callable

import structlog
from celery import states
from celery.worker.consumer import Consumer
from kombu.message import Message
from vine import promise

from intake import redis_door
from schemas.enums import TaskName

log = structlog.get_logger()

_PARTS = (list, dict, dict)
"""The types of the parts of a body: positional arguments, keyword arguments, and Celery's own options."""


class AnsweringConsumer(Consumer):
    """A consumer that refuses an unreadable order with a problem."""

    def create_task_handler(self, promise: type[promise] = promise) -> Callable[[Message], object]:
        """Return the function that Celery calls with each message."""
        handle: Callable[[Message], object] = super().create_task_handler(promise)

        def handle_or_refuse(message: Message) -> object:
            headers = message.headers or {}
            if headers.get("task") != TaskName.ENQUEUE or _is_readable(message):
                return handle(message)
            log.error("order_unreadable")
            if redis_door.is_message_id(task_id := headers.get("id")):
                self.app.backend.store_result(task_id, redis_door.unreadable(), states.SUCCESS)
            message.ack_log_error(log, self.connection_errors)  # type: ignore[attr-defined]  # not in the stubs
            return None

        return handle_or_refuse


def _is_readable(message: Message) -> bool:
    """Whether the body has arguments that Celery can give to the task."""
    try:
        body = message.payload
    except Exception:  # noqa: BLE001 -- a malformed body may break a parser in any way
        return False
    if isinstance(body, dict):  # Celery's message protocol 1
        body = [body.get("args"), body.get("kwargs"), {}]
    is_whole = isinstance(body, list) and len(body) == len(_PARTS)
    return is_whole and all(isinstance(part, kind) for part, kind in zip(body, _PARTS, strict=True))
