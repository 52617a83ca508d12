"""What fal tells of a request: where it stands, and in a document of its own what came of it.

Source: https://fal.ai/docs/api-reference/inference-api.
"""

import time
from datetime import UTC, datetime

from pydantic import JsonValue

from sandbox.config import file_url
from sandbox.task import JsonObject, State, Task
from sandbox.vendors.fal.errors import MODEL_STATUSES, REQUEST_STATUSES

OK = 200
ACCEPTED = 202

_WORDS = {
    State.WAITING: "IN_QUEUE",
    State.QUEUING: "IN_QUEUE",
    State.GENERATING: "IN_PROGRESS",
    State.SUCCESS: "COMPLETED",
    State.FAIL: "COMPLETED",
    State.CANCELLED: "COMPLETED",
}


def app_of(model: str) -> str:
    """Owner and app: what status, result and cancel links name of a model's id."""
    return "/".join(model.split("/")[:2])


def was_removed(task: Task) -> bool:
    """Whether it was cancelled while it was queued. fal does not say what such a request shows: here it is gone."""
    return task.ended is State.CANCELLED and (task.completed_at or 0) < task.begins_at


def request_error(task: Task) -> tuple[str, str] | None:
    """The type and the text of what ended a request other than its model."""
    if task.ended is State.CANCELLED:
        return "client_cancelled", "Request was cancelled by the user"
    code = task.fail_code or ""
    return (code, task.fail_msg or "") if code in REQUEST_STATUSES else None


class Records:
    """Writes what fal answers about a task."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def accepted(self, task: Task) -> JsonObject:
        """The answer of a create."""
        return {**self._links(task), "status": "IN_QUEUE", "queue_position": 0}

    def progress(self, task: Task, *, logs: bool) -> tuple[int, JsonObject]:
        """The HTTP status and the answer of a status read. Once it runs there are `logs`: null, unless asked for."""
        word = task.scenario.state_word or _WORDS[task.state]
        record: JsonObject = {**self._links(task), "status": word}
        if word == "IN_QUEUE":
            record["queue_position"] = 0
        else:
            record["logs"] = _log(task) if logs else None
        if word != "COMPLETED":
            return ACCEPTED, record
        record["metrics"] = {"inference_time": max((task.completed_at or time.time()) - task.begins_at, 0.0)}
        if (trouble := request_error(task)) is not None:
            kind, text = trouble
            record |= {"error": text, "error_type": kind}
        return OK, record

    def result(self, task: Task) -> tuple[int, JsonObject]:
        """The model's own HTTP status and output, once there is one."""
        if task.ended is State.SUCCESS and task.scenario.state_word is None:
            name = next(iter(task.results), None)
            return OK, self.output(task, name)
        if (trouble := request_error(task)) is not None:
            kind, text = trouble
            return REQUEST_STATUSES[kind], {"detail": text, "error_type": kind}
        if task.ended is State.FAIL:
            # The number that a scenario has unless it says otherwise is no word of fal's.
            kind = "internal_server_error" if (task.fail_code or "").isdigit() else task.fail_code or ""
            detail: JsonValue = [{"loc": ["body"], "msg": task.fail_msg, "type": kind}]
            return MODEL_STATUSES.get(kind, 422), {"detail": detail}
        return 400, {"detail": "Request is still in progress"}

    def output(self, task: Task, name: str | None) -> JsonObject:
        """A model's output; without a file, a success that has none."""
        if name is None:
            return {"video": None}
        video: JsonObject = {"url": file_url(self._public_url, name), "content_type": "video/mp4", "file_name": name}
        return {"video": video, "seed": int(task.id[:6], 16)}

    def _links(self, task: Task) -> JsonObject:
        url = f"{self._public_url}/fal/{app_of(task.model)}/requests/{task.id}"
        return {
            "request_id": task.id,
            "response_url": url,
            "status_url": f"{url}/status",
            "cancel_url": f"{url}/cancel",
        }


def _log(task: Task) -> list[JsonValue]:
    """The entry that every model here writes when it begins."""
    at = datetime.fromtimestamp(task.begins_at, UTC).isoformat()
    return [{"timestamp": at, "level": "INFO", "source": "USER", "message": f"Generating with {task.model}"}]
