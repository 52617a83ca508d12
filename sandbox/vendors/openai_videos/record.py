"""The video object, which is the answer to every call, and the events of a video's end."""

import time
from collections.abc import Mapping

from pydantic import JsonValue

from sandbox.task import JsonObject, Seal, State, Task

_STATUSES = {
    State.WAITING: "queued",
    State.QUEUING: "queued",
    State.GENERATING: "in_progress",
    State.SUCCESS: "completed",
    State.FAIL: "failed",
}
_DONE = 100


def video(task: Task) -> JsonObject:
    """The present state of a video. Times are Unix seconds, `seconds` is a string, `progress` a percentage."""
    hidden = task.scenario.state_word is not None
    error: JsonValue = None
    if task.ended is State.FAIL and not hidden:
        error = {"code": task.fail_code, "message": task.fail_msg}
    return {
        "id": task.id,
        "object": "video",
        "model": task.model,
        "status": task.scenario.state_word or _STATUSES[task.state],
        "progress": 0 if hidden else _progress(task),
        "prompt": task.prompt,
        "seconds": f"{task.spec.duration_seconds:g}",
        "size": f"{task.spec.width}x{task.spec.height}",
        "created_at": int(task.created_at),
        "completed_at": int(task.completed_at) if task.ended is State.SUCCESS and task.completed_at else None,
        "expires_at": None,
        "remixed_from_video_id": None,
        "error": error,
    }


class OpenAIVideosEvents:
    """Writes the events of webhook endpoints. The account has no endpoint; only the control API sends events."""

    tells_progress = False

    def body(self, task: Task) -> JsonObject:
        """The event of the task's end."""
        return _event(task, "video.failed" if task.ended is State.FAIL else "video.completed")

    def forged_body(self, task: Task) -> JsonObject:
        """A false claim of success."""
        return _event(task, "video.completed")

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:  # noqa: ARG002 -- unsigned
        """No headers: an account without an endpoint has no secret."""
        return {}


def _event(task: Task, kind: str) -> JsonObject:
    now = int(time.time())
    return {"id": f"evt_{task.id}", "object": "event", "type": kind, "created_at": now, "data": {"id": task.id}}


def _progress(task: Task) -> int:
    match task.state:
        case State.GENERATING:
            return min(_DONE - 1, round(_DONE * (time.time() - task.created_at) / max(task.seconds, 1e-3)))
        case State.SUCCESS:
            return _DONE
        case _:
            return 0
