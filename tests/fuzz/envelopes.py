"""The messages of our queues. Whatever stands in Redis, Celery and the Redis door get a message that they can read."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from celery import Celery
from celery.worker.request import Request
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from kombu.transport.virtual import Channel, Message

from drills.hostile.messages import message
from intake.redis.envelopes import read
from intake.redis.request import Operation, RefusedRequest
from schemas.plain_messages import Unreadable, visible
from tests.fuzz.changes import changed_bytes, changed_document, changed_text
from tests.fuzz.target import Target
from workers.envelopes import TASKS_OF, checked

_APP = Celery("envelopes", set_as_current=False)
_APP.conf.accept_content = ["json"]


@_APP.task(name="work", shared=False)
def _work() -> None:
    """Does nothing: no case runs a task."""


def check(raw: bytes) -> None:
    """Each queue takes the message in a form that Celery can read and acknowledge, or discards it. So does the door."""
    _check_door(raw)
    for queue, tasks in TASKS_OF.items():
        try:
            found: Any = checked(raw, queue)
        except Unreadable:
            continue
        channel: Any = Channel.__new__(Channel)
        request: Any = Request(Message(found, channel=channel, accept=["application/json"]), app=_APP, task=_work)
        assert visible(request.id)
        assert request.name in tasks
        assert isinstance(request.args, list)
        assert isinstance(request.kwargs, dict)
        assert request.eta is None
        assert not any(json.loads(base64.b64decode(found["body"]))[2].values())


def _check_door(raw: bytes) -> None:
    with suppress(Unreadable, RefusedRequest):
        request = read(raw)
        assert visible(request.id)
        assert isinstance(request.arguments, dict)
        assert request.digest


_KEYWORDS = {"customer_id": "a customer", "request": {"prompt": "a prompt"}}
_OLD = {"task": "generation.enqueue", "id": "1", "args": [], "kwargs": _KEYWORDS, "retries": 0, "eta": None}


def cases(kept: Mapping[str, bytes]) -> Mapping[str, SearchStrategy[bytes]]:
    """Messages of both of Celery's protocols, with changes to the envelope, to the body and to the bytes."""
    tasks = sorted({*Operation, *(task for each in TASKS_OF.values() for task in each)})
    whole = [message(), message(_OLD, headers={}), *map(_of_task, tasks)]
    texts = [*(json.dumps(each).encode() for each in whole), *kept.values()]
    return {
        "envelope": st.sampled_from(texts).flatmap(changed_text),
        "body": _with_changed_body(whole),
        "bytes": changed_bytes(texts),
    }


def _of_task(task: str) -> dict[str, Any]:
    plain = message()
    return {**plain, "headers": {**plain["headers"], "task": task}}


@st.composite
def _with_changed_body(draw: DrawFn, whole: list[dict[str, Any]]) -> bytes:
    chosen = draw(st.sampled_from(whole))
    body = draw(changed_document(json.loads(base64.b64decode(chosen["body"]))))
    if draw(st.booleans()):
        return json.dumps({**chosen, "body": base64.b64encode(body).decode()}).encode()
    properties = {**chosen["properties"], "body_encoding": "utf-8"}
    return json.dumps({**chosen, "body": body.decode(), "properties": properties}).encode()


ENVELOPES = Target("envelopes", cases, check)
