"""Kie's records of tasks, and the callbacks with Kie's signature."""

import base64
import hashlib
import hmac
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from sandbox.config import SandboxConfig, file_url
from sandbox.task import JsonObject, Seal, State, Task


def sign(key: str, task_id: str, timestamp: str) -> str:
    """Kie's signature. It covers the task's id and the time, not the body.

    Source: https://docs.kie.ai/common-api/webhook-verification
    """
    mac = hmac.new(key.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


class KieCallbacks(ABC):
    """Writes the records and callbacks of a family: one callback at the end. Without a key callbacks are unsigned."""

    tells_progress = False

    def __init__(self, config: SandboxConfig) -> None:
        self._public_url = config.public_url
        self._key = config.webhook_secret

    @abstractmethod
    def record(self, task: Task) -> JsonObject:
        """The `data` of a status read."""

    def body(self, task: Task) -> JsonObject:
        """Kie's callback for a finished task."""
        return self._failure(task) if task.ended is State.FAIL else self._success(task, self._links(task))

    def forged_body(self, task: Task) -> JsonObject:
        """A success whose result URL leads to nothing."""
        return self._success(task, [file_url(self._public_url, f"forged-{task.file_name}")])

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:  # noqa: ARG002 -- not signed
        """The two webhook headers. A wrong seal uses an unknown key."""
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

    @abstractmethod
    def _success(self, task: Task, links: Sequence[str]) -> JsonObject:
        """The callback of a task with a result."""

    @abstractmethod
    def _failure(self, task: Task) -> JsonObject:
        """The callback of a task without a result."""

    def _links(self, task: Task) -> list[str]:
        return [file_url(self._public_url, name) for name in task.results]


class MarketCallbacks(KieCallbacks):
    """Callbacks of the Market: a status read, with code 501 for a failed task."""

    def record(self, task: Task) -> JsonObject:
        """`param` and `resultJson` are JSON strings. Times are milliseconds."""
        hidden = task.scenario.state_word is not None
        completed = None if hidden else _milliseconds(task.completed_at)
        created = _milliseconds(task.created_at)
        return {
            "taskId": task.id,
            "model": task.model,
            "state": task.scenario.state_word or task.state,
            "param": json.dumps(task.request),
            "resultJson": None if hidden else self._result_json(task),
            "failCode": task.fail_code,
            "failMsg": task.fail_msg,
            "costTime": None if completed is None or created is None else completed - created,
            "createTime": created,
            "updateTime": completed or _milliseconds(time.time()),
            "completeTime": completed,
            "creditsConsumed": task.credits,
        }

    def body(self, task: Task) -> JsonObject:
        """The present record of the task."""
        if task.ended is State.FAIL:
            return self._failure(task)
        return _succeeded(self.record(task))

    def _success(self, task: Task, links: Sequence[str]) -> JsonObject:
        result = json.dumps({"resultUrls": list(links)})
        return _succeeded({**self.record(task), "state": "success", "resultJson": result})

    def _failure(self, task: Task) -> JsonObject:
        return {"code": 501, "msg": "Playground task failed.", "data": self.record(task)}

    def _result_json(self, task: Task) -> str | None:
        match task.ended:
            case State.SUCCESS:
                return json.dumps({"resultUrls": self._links(task)})
            case State.FAIL:
                return None
            case _:
                return ""


def _succeeded(record: JsonObject) -> JsonObject:
    return {"code": 200, "msg": "Playground task completed successfully.", "data": record}


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def stamp(seconds: float | None) -> str | None:
    """A time in the format of the older families."""
    return None if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def code_of(task: Task) -> int | str | None:
    """The code of a failed task: a number in the older families."""
    code = task.fail_code
    return int(code) if code is not None and code.isdigit() else code
