"""Messages of the Redis door as any language can write them, in both forms, and their answers."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Literal
from uuid import uuid4

from redis import Redis

from intake.orders import Intake
from intake.redis import envelopes
from intake.redis.operations import perform, refused
from intake.redis.overload import Load
from intake.redis.request import Operation, RefusedRequest
from storage import api_keys
from tests.support import eventually

Wire = Literal["celery", "plain"]


def celery_message(content: bytes | Mapping[str, object], message_id: str, operation: str = Operation.ENQUEUE) -> bytes:
    """A message of Celery, with keyword arguments, or with the bytes of a body."""
    body = content if isinstance(content, bytes) else json.dumps([[], content, {}]).encode()
    message = {
        "body": base64.b64encode(body).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": operation, "id": message_id, "lang": "py"},
        "properties": {
            "body_encoding": "base64",
            "delivery_tag": message_id,
            "delivery_info": {"exchange": "", "routing_key": "requests"},
        },
    }
    return json.dumps(message).encode()


def plain_message(arguments: object, message_id: str, operation: str = Operation.ENQUEUE, **fields: object) -> bytes:
    """A plain envelope."""
    return json.dumps({"operation": operation, "id": message_id, "arguments": arguments, **fields}).encode()


def message(wire: Wire, arguments: Mapping[str, object], message_id: str, operation: str) -> bytes:
    """A message with these arguments in one of the two forms. Signed arguments have a `signature`, too."""
    if wire == "celery":
        return celery_message(arguments, message_id, operation)
    if "signature" in arguments:
        fields = {name: value for name, value in arguments.items() if name != "arguments"}
        return plain_message(arguments["arguments"], message_id, operation, **fields)
    return plain_message(arguments, message_id, operation)


def signed(
    api_key: str, operation: str, message_id: str, arguments: object, *, timestamp: float | None = None
) -> dict[str, object]:
    """Signed arguments."""
    return signed_text(api_key, operation, message_id, json.dumps(arguments, indent=1), timestamp=timestamp)


def signed_text(
    api_key: str, operation: str, message_id: str, text: str, *, timestamp: float | None = None
) -> dict[str, object]:
    """A text in place of arguments with its signature, made as docs/redis-door.md describes."""
    seconds = int(time.time() if timestamp is None else timestamp)
    secret = hashlib.sha256(api_key.encode()).hexdigest()
    content = f"{operation}\n{message_id}\n{seconds}\n{text}"
    made = hmac.new(secret.encode(), content.encode(), "sha256").hexdigest()
    return {"arguments": text, "signature": {"key": api_keys.prefix(api_key), "timestamp": seconds, "hmac": made}}


def served(
    intake: Intake,
    arguments: Mapping[str, object],
    *,
    operation: str = Operation.ENQUEUE,
    message_id: str | None = None,
    wire: Wire = "celery",
    load: Load | None = None,
) -> dict[str, Any]:
    """The answer to a message, which this process reads and serves."""
    try:
        request = envelopes.read(message(wire, arguments, message_id or str(uuid4()), operation))
    except RefusedRequest as refusal:
        return refused(refusal.error)
    return perform(intake, request, load=load)


def send(redis: Redis, content: bytes | Mapping[str, object]) -> str:
    """Send the keyword arguments of an order, or the bytes of a body. Returns the id of the task."""
    task_id = str(uuid4())
    redis.lpush("requests", celery_message(content, task_id))
    return task_id


def answers(redis: Redis, task_ids: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The answer of each task, in the order of the ids. Waits for an answer."""
    for task_id in task_ids:
        raw = eventually(partial(redis.get, f"celery-task-meta-{task_id}"), bool)
        yield task_id, json.loads(raw or "")
