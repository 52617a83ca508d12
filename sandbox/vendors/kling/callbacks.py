"""Kling's record of a task, and the callbacks that carry it, signed as Standard Webhooks."""

import hashlib
from collections.abc import Mapping

from pydantic import JsonValue

from sandbox.config import file_url
from sandbox.standard_webhooks import signature_headers
from sandbox.task import JsonObject, Seal, State, Task

_WORDS = {
    State.WAITING: "submitted",
    State.QUEUING: "submitted",
    State.GENERATING: "processing",
    State.SUCCESS: "succeeded",
    State.FAIL: "failed",
}


def record(task: Task, public_url: str) -> JsonObject:
    """The task as status reads and callbacks show it. Times are milliseconds."""
    hidden = task.scenario.state_word is not None
    has_result = task.ended is State.SUCCESS and not hidden
    return {
        "id": task.id,
        "status": task.scenario.state_word or _WORDS[task.state],
        "message": "" if hidden else task.fail_msg or "",
        "create_time": round(task.created_at * 1000),
        "update_time": round(changed_at(task) * 1000),
        "external_id": task.external_id,
        "outputs": [_output(task, file_url(public_url, name)) for name in task.results] if has_result else [],
        "billing": [_charge(task)] if has_result else [],
    }


class KlingCallbacks:
    """Writes Kling's callbacks, one at each change of state. Without a secret callbacks are unsigned."""

    tells_progress = True

    def __init__(self, public_url: str, secret: str | None) -> None:
        self._public_url = public_url
        self._secret = secret

    def body(self, task: Task) -> JsonObject:
        """The task without an envelope."""
        return record(task, self._public_url)

    def forged_body(self, task: Task) -> JsonObject:
        """A success whose result URL leads to nothing."""
        url = file_url(self._public_url, f"forged-{task.file_name}")
        return {**record(task, self._public_url), "status": "succeeded", "outputs": [_output(task, url)]}

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:  # noqa: ARG002 -- not the task
        """The three webhook headers. A repeated callback keeps its id. A wrong seal uses another key."""
        return signature_headers(self._secret, f"msg_{hashlib.sha256(content).hexdigest()[:24]}", content, seal)


def changed_at(task: Task) -> float:
    """The time of the last change of state, Unix seconds."""
    if task.completed_at is not None:
        return task.completed_at
    return task.begins_at if task.state is State.GENERATING else task.created_at


def _output(task: Task, url: str) -> JsonValue:
    seconds = task.spec.changed(task.scenario.delivered).duration_seconds
    return {"type": "video", "id": f"v-{task.id}", "url": url, "watermark_url": "", "duration": f"{seconds:g}"}


def _charge(task: Task) -> JsonValue:
    return {"charge_type": "unit", "amount": f"{task.credits:g}", "package_type": "video"}
