"""Runway's task in the answer to a read. Source: https://docs.dev.runwayml.com/api, `GET /v1/tasks/{id}`."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from sandbox.config import file_url
from sandbox.task import JsonObject, Seal, State, Task

_STATUSES = {
    State.WAITING: "THROTTLED",
    State.QUEUING: "PENDING",
    State.GENERATING: "RUNNING",
    State.SUCCESS: "SUCCEEDED",
    State.FAIL: "FAILED",
    State.CANCELLED: "CANCELLED",
}
_LINK_SECONDS = 24 * 3600


class RunwayRecords:
    """Writes tasks. Runway has no callbacks; only the control API sends a task, without a signature."""

    tells_progress = False

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def body(self, task: Task) -> JsonObject:
        """The present state of the task. Each read makes new links."""
        record: JsonObject = {
            "id": task.id,
            "status": task.scenario.state_word or _STATUSES[task.state],
            "createdAt": datetime.fromtimestamp(task.created_at, UTC).isoformat().replace("+00:00", "Z"),
        }
        return record if task.scenario.state_word is not None else {**record, **self._rest(task)}

    def forged_body(self, task: Task) -> JsonObject:
        """A success whose result URL leads to nothing."""
        return {**self.body(task), "status": "SUCCEEDED", "output": [self._link(f"forged-{task.file_name}")]}

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:  # noqa: ARG002 -- unsigned
        """No headers: the wire has no signatures."""
        return {}

    def _rest(self, task: Task) -> JsonObject:
        cost: JsonValue = {"credits": task.credits}
        match task.state:
            case State.WAITING | State.QUEUING:
                return {"estimatedCost": cost}
            case State.GENERATING:
                return {"estimatedCost": cost, "progress": _progress(task)}
            case State.SUCCESS:
                return {"output": [self._link(name) for name in task.results], "cost": cost}
            case State.FAIL:
                return {"failure": task.fail_msg, "failureCode": task.fail_code, "cost": {"credits": 0}}
            case State.CANCELLED:
                return {"cost": cost}

    def _link(self, name: str) -> str:
        return f"{file_url(self._public_url, name)}?expires={int(time.time()) + _LINK_SECONDS}"


def _progress(task: Task) -> float:
    done = (time.time() - task.begins_at) / max(task.ends_at - task.begins_at, 1e-3)
    return round(min(max(done, 0.0), 0.99), 2)
