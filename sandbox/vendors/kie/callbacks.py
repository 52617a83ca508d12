"""Kie's record of a task, and the callbacks that carry it with Kie's signature."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping

from sandbox.config import file_url
from sandbox.task import JsonObject, Seal, State, Task


def sign(key: str, task_id: str, timestamp: str) -> str:
    """Kie's signature: it covers the task's id and the time, not the body.

    Source: https://docs.kie.ai/common-api/webhook-verification
    """
    mac = hmac.new(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def record(task: Task, public_url: str) -> JsonObject:
    """The `data` of recordInfo and of a callback. `param` and `resultJson` are JSON strings, times milliseconds."""
    hidden = task.scenario.state_word is not None
    completed = None if hidden else _milliseconds(task.completed_at)
    created = _milliseconds(task.created_at)
    return {
        "taskId": task.id,
        "model": task.model,
        "state": task.scenario.state_word or task.state,
        "param": json.dumps(task.request),
        "resultJson": None if hidden else _result_json(task, public_url),
        "failCode": task.fail_code,
        "failMsg": task.fail_msg,
        "costTime": None if completed is None or created is None else completed - created,
        "createTime": created,
        "updateTime": completed or _milliseconds(time.time()),
        "completeTime": completed,
        "creditsConsumed": task.credits,
    }


class KieCallbacks:
    """Writes Kie's callbacks, one at the end of a task; without a key they carry no signature."""

    tells_progress = False

    def __init__(self, public_url: str, key: str | None) -> None:
        self._public_url = public_url
        self._key = key

    def body(self, task: Task) -> JsonObject:
        """The recordInfo body, with code 501 for a failed task."""
        data = record(task, self._public_url)
        if task.ended is State.FAIL:
            return {"code": 501, "msg": "Playground task failed.", "data": data}
        return {"code": 200, "msg": "Playground task completed successfully.", "data": data}

    def forged_body(self, task: Task) -> JsonObject:
        """A success with a result URL at which there is nothing."""
        url = file_url(self._public_url, f"forged-{task.file_name}")
        data = {
            **record(task, self._public_url),
            "state": "success",
            "resultJson": json.dumps({"resultUrls": [url]}),
        }
        return {"code": 200, "msg": "Playground task completed successfully.", "data": data}

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:  # noqa: ARG002 -- not signed
        """The two webhook headers; a wrong seal is made with a key that nobody has."""
        timestamp = str(int(time.time()))
        match seal:
            case Seal.WRONG:
                key: str | None = "not the account's key"
            case Seal.TRUE:
                key = self._key
            case Seal.ABSENT:
                key = None
        if key is None:
            return {}
        return {"X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": sign(key, task.id, timestamp)}


def _result_json(task: Task, public_url: str) -> str | None:
    match task.ended:
        case State.SUCCESS:
            return json.dumps({"resultUrls": [file_url(public_url, name) for name in task.results]})
        case State.FAIL:
            return None
        case _:
            return ""


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
