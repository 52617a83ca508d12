"""fal's answers about a request: its state, and in a separate document its result.

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
    """Owner and app: the part of a model's id that status, result and cancel links contain."""
    return "/".join(model.split("/")[:2])


def was_removed(task: Task) -> bool:
    """Whether the request was cancelled in the queue. fal does not document its state; the sandbox answers 404."""
    return task.ended is State.CANCELLED and task.begun_at is None


def request_error(task: Task) -> tuple[str, str] | None:
    """The type and the text of an error that did not come from the model."""
    if task.ended is State.CANCELLED:
        return "client_cancelled", "Request was cancelled by the user"
    code = task.fail_code or ""
    return (code, task.fail_msg or "") if code in REQUEST_STATUSES else None


class Records:
    """Writes fal's answers about a task."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def accepted(self, task: Task) -> JsonObject:
        """The answer to a create."""
        return {**self._links(task), "status": "IN_QUEUE", "queue_position": 0}

    def progress(self, task: Task, *, logs: bool) -> tuple[int, JsonObject]:
        """HTTP status and answer of a status read. A running request has `logs`: null unless the read asks for logs."""
        word = task.scenario.state_word or _WORDS[task.state]
        record: JsonObject = {**self._links(task), "status": word}
        if word == "IN_QUEUE":
            record["queue_position"] = 0 if task.slots is None else task.slots.before(task)
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
        """The model's HTTP status and output, after the end."""
        if task.ended is State.SUCCESS and task.scenario.state_word is None:
            name = next(iter(task.results), None)
            return OK, self.output(task, name)
        if (trouble := request_error(task)) is not None:
            kind, text = trouble
            return REQUEST_STATUSES[kind], {"detail": text, "error_type": kind}
        if task.ended is State.FAIL:
            # A scenario's default code is a number, and fal has no such error type.
            kind = "internal_server_error" if (task.fail_code or "").isdigit() else task.fail_code or ""
            detail: JsonValue = [{"loc": ["body"], "msg": task.fail_msg, "type": kind}]
            return MODEL_STATUSES.get(kind, 422), {"detail": detail}
        return 400, {"detail": "Request is still in progress"}

    def output(self, task: Task, name: str | None) -> JsonObject:
        """The output of a model. A success without a file has an empty output."""
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
    """The log entry that every model writes when it begins."""
    at = datetime.fromtimestamp(task.begins_at, UTC).isoformat()
    return [{"timestamp": at, "level": "INFO", "source": "USER", "message": f"Generating with {task.model}"}]
