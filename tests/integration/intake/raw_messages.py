"""Messages of the Redis door as any language can write them, and their answers."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from redis import Redis

from tests.support import eventually


def send(redis: Redis, content: bytes | Mapping[str, object], **headers: object) -> str:
    """Send the keyword arguments of an order, or the bytes of a body. Returns the id of the task."""
    task_id = str(uuid4())
    body = content if isinstance(content, bytes) else json.dumps([[], content, {}]).encode()
    message = {
        "body": base64.b64encode(body).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": "generation.enqueue", "id": task_id, "lang": "py", **headers},
        "properties": {
            "body_encoding": "base64",
            "delivery_tag": task_id,
            "delivery_info": {"exchange": "", "routing_key": "requests"},
        },
    }
    redis.lpush("requests", json.dumps(message))
    return task_id


def answers(redis: Redis, task_ids: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The answer of each task, in the order of the ids. Waits for an answer."""
    for task_id in task_ids:
        raw = eventually(partial(redis.get, f"celery-task-meta-{task_id}"), bool)
        yield task_id, json.loads(raw or "")
