"""Kling's record of a task in the legacy dialect, and the callbacks that carry it.

Kling does not document whether callbacks of this dialect are signed. The sandbox signs them as in the new dialect.
"""

from pydantic import JsonValue

from sandbox.config import file_url
from sandbox.task import JsonObject, State, Task
from sandbox.vendors.kling.callbacks import KlingCallbacks, changed_at

_WORDS = {
    State.WAITING: "submitted",
    State.QUEUING: "submitted",
    State.GENERATING: "processing",
    State.SUCCESS: "succeed",
    State.FAIL: "failed",
}


def record(task: Task, public_url: str) -> JsonObject:
    """The task as status reads and callbacks show it. Times are milliseconds."""
    hidden = task.scenario.state_word is not None
    told: JsonObject = {
        "task_id": task.id,
        "task_status": task.scenario.state_word or _WORDS[task.state],
        "task_status_msg": "" if hidden else task.fail_msg or "",
        "task_info": {"external_task_id": task.external_id or ""},
        "created_at": round(task.created_at * 1000),
        "updated_at": round(changed_at(task) * 1000),
    }
    if task.ended is not State.SUCCESS or hidden:
        return told
    videos: list[JsonValue] = [_video(task, file_url(public_url, name)) for name in task.results]
    return {**told, "task_result": {"videos": videos}, "final_unit_deduction": f"{task.credits:g}"}


class KlingLegacyCallbacks(KlingCallbacks):
    """Writes Kling's callbacks in the legacy dialect."""

    def body(self, task: Task) -> JsonObject:
        """The task without an envelope."""
        return record(task, self._public_url)

    def forged_body(self, task: Task) -> JsonObject:
        """A success whose result URL leads to nothing."""
        url = file_url(self._public_url, f"forged-{task.file_name}")
        claim: JsonObject = {"task_status": "succeed", "task_result": {"videos": [_video(task, url)]}}
        return {**record(task, self._public_url), **claim}


def _video(task: Task, url: str) -> JsonValue:
    seconds = task.spec.changed(task.scenario.delivered).duration_seconds
    return {"id": f"v-{task.id}", "url": url, "watermark_url": "", "duration": f"{seconds:g}"}
