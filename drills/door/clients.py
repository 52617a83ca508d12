"""Foreign clients of the Redis door: Celery's own, and one that writes the plain envelope. None uses code of ours."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from enum import StrEnum
from typing import Any, Self
from uuid import uuid4

from celery import Celery
from pydantic import JsonValue
from redis import Redis

_ANSWERS = "reelworks:answers:drill:"
_OPERATION, _QUEUE = "generation.enqueue", "requests"

# A client waits a short time for a server that is away, and sends again.
_TIMES = {"socket_timeout": 2, "socket_connect_timeout": 1}


class Form(StrEnum):
    """The form of a message, and the place of its answer."""

    CELERY = "Celery's message"
    LIST = "a plain envelope, answered in a list"
    STREAM = "a plain envelope, answered in a stream"


class Clients:
    """A client for each form. Any thread may use them."""

    def __init__(self, redis_url: str) -> None:
        self._ends = ExitStack()
        self._redis: Redis = self._ends.enter_context(Redis.from_url(redis_url, decode_responses=True, **_TIMES))
        self._celery = self._ends.enter_context(Celery(broker=redis_url, backend=redis_url, set_as_current=False))
        self._celery.conf.broker_transport_options = _TIMES

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._ends.close()

    def send(self, form: Form, arguments: Mapping[str, JsonValue], *, priority: int | None = None) -> str:
        """Send an order. Returns the id of the message.

        Args:
            priority: one of Celery's, for a message of Celery.

        Raises:
            OperationalError: Redis is away (kombu's).
            RedisError: Redis is away.
            OSError: Redis is away.
        """
        message_id = str(uuid4())
        if form is Form.CELERY:
            self._celery.send_task(
                _OPERATION, kwargs=dict(arguments), queue=_QUEUE, task_id=message_id, priority=priority, retry=False
            )
        else:
            kind = "list" if form is Form.LIST else "stream"
            place = {kind: f"{_ANSWERS}{message_id}"}
            envelope = {"operation": _OPERATION, "id": message_id, "arguments": arguments, "reply_to": place}
            self._redis.lpush(_QUEUE, json.dumps(envelope))
        return message_id

    def count(self, asked: Sequence[tuple[Form, str]]) -> list[int]:
        """The numbers of answers to these messages so far. Celery's result backend keeps one at most."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for form, message_id in asked:
                match form:
                    case Form.CELERY:
                        pipeline.exists(_celery_key(message_id))
                    case Form.LIST:
                        pipeline.llen(f"{_ANSWERS}{message_id}")
                    case Form.STREAM:
                        pipeline.xlen(f"{_ANSWERS}{message_id}")
            return [int(count) for count in pipeline.execute()]

    def answer(self, form: Form, message_id: str) -> Mapping[str, Any] | None:
        """The answer to a message. None: there is none yet."""
        raw: Any
        match form:
            case Form.CELERY:
                raw, field = self._redis.get(_celery_key(message_id)), "result"
            case Form.LIST:
                raw, field = self._redis.lindex(f"{_ANSWERS}{message_id}", 0), "answer"
            case Form.STREAM:
                entries: Any = self._redis.xrange(f"{_ANSWERS}{message_id}", count=1)
                raw, field = entries[0][1]["answer"] if entries else None, "answer"
        answer: Mapping[str, Any] | None = None if raw is None else json.loads(raw)[field]
        return answer


def _celery_key(message_id: str) -> str:
    return f"celery-task-meta-{message_id}"
