"""The job, which is the answer to every call."""

import time
from collections.abc import Mapping

from pydantic import JsonValue

from sandbox.config import file_url
from sandbox.task import JsonObject, Seal, State, Task

_WORDS = {
    State.WAITING: "queued",
    State.QUEUING: "queued",
    State.GENERATING: "running",
    State.SUCCESS: "succeeded",
    State.FAIL: "failed",
    State.CANCELLED: "cancelled",
}


class LongCatRecords:
    """Writes jobs. The wire has no callbacks."""

    tells_progress = False

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def body(self, task: Task) -> JsonObject:
        """The present state of a job. `progress` is a fraction."""
        hidden = task.scenario.state_word is not None
        job: JsonObject = {
            "id": task.id,
            "status": task.scenario.state_word or _WORDS[task.state],
            "progress": 0 if hidden else _progress(task),
            "reference": task.external_id,
        }
        if task.ended is State.SUCCESS and not hidden:
            job |= self.video(task)
        if task.ended is State.FAIL and not hidden:
            job["error"] = {"code": word_of(task), "message": task.fail_msg}
        return job

    def at_once(self, task: Task) -> JsonObject:
        """The answer of a service that keeps no jobs."""
        return {"status": "succeeded", **self.video(task)}

    def video(self, task: Task) -> JsonObject:
        """The result. None if a scenario omits it."""
        video: JsonValue = {"url": file_url(self._public_url, task.results[0])} if task.results else None
        return {"video": video}

    def forged_body(self, task: Task) -> JsonObject:
        """A false claim of success."""
        return {**self.body(task), "status": "succeeded"}

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:  # noqa: ARG002 -- unsigned
        """No headers: the wire has no signatures."""
        return {}


def word_of(task: Task) -> str:
    """The code of a failure. A scenario's default code is a number, and the wire has no such code."""
    code = task.fail_code or ""
    return "internal_error" if code.isdigit() else code


def _progress(task: Task) -> float:
    match task.state:
        case State.GENERATING:
            return min(0.99, (time.time() - task.created_at) / max(task.seconds, 1e-3))
        case State.SUCCESS:
            return 1.0
        case _:
            return 0.0
