"""The interaction in the answers to creates, reads and cancels.

Source: google-genai's `_gaos/types/interactions` and "Raw REST JSON structure" of
https://ai.google.dev/gemini-api/docs/omni. The last step holds the result. Another step holds the input with its bytes.
"""

import base64
from datetime import UTC, datetime

from pydantic import JsonValue

from sandbox.media import MEDIA_TYPES
from sandbox.task import JsonObject, State, Task

ACTION_WANTED = "requires_action"
_ID_PREFIX = "v1_"
_WORDS = {
    State.WAITING: "queued",
    State.QUEUING: "queued",
    State.GENERATING: "in_progress",
    State.SUCCESS: "completed",
    State.FAIL: "failed",
    State.CANCELLED: "cancelled",
}
# A scenario may name one of Google's other final states as the code of a failed task.
_OTHER_ENDS = frozenset({"incomplete", "budget_exceeded", ACTION_WANTED, "requires_continuation"})


def id_of(secret_part: str) -> str:
    """The id of an interaction."""
    return _ID_PREFIX + secret_part


def file_id_of(task: Task) -> str:
    """The file name of an interaction, after `files/`."""
    return task.id.removeprefix(_ID_PREFIX)


def status_of(task: Task) -> str:
    """The state of a task in Google's words."""
    if task.scenario.state_word is not None:
        return task.scenario.state_word
    if task.ended is State.FAIL and task.fail_code in _OTHER_ENDS:
        return task.fail_code
    return _WORDS[task.state]


def is_delivered(task: Task) -> bool:
    """Whether the task has a file."""
    return task.ended is State.SUCCESS and bool(task.results) and task.scenario.state_word is None


def is_inline(task: Task) -> bool:
    """Whether the interaction contains the file: the scenario decides, and otherwise the create.

    "Currently, calling GET /v1beta/interactions/{id} returns the video as inline base64 data in the data field, even if
    the interaction was originally created with delivery: uri" (https://ai.google.dev/gemini-api/docs/omni).
    """
    wanted = task.request["response_format"]
    wanted = wanted[0] if isinstance(wanted, list) else wanted
    asked_for_uri = isinstance(wanted, dict) and wanted.get("delivery") == "uri"
    return task.scenario.inline_result or not asked_for_uri


class Records:
    """Writes interactions."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def interaction(self, task: Task, version: str, content: bytes | None) -> JsonObject:
        """The present state of a task. With `content` the file's bytes are in it, otherwise the file's URI."""
        status = status_of(task)
        record: JsonObject = {
            "id": task.id,
            "object": "interaction",
            "model": task.model,
            "status": status,
            "created": _time(task.created_at),
            "updated": _time(task.completed_at or task.created_at),
            "steps": self._steps(task, version, content),
            "usage": {},
        }
        if status == "failed":
            record["errors"] = [{"code": task.fail_code, "message": task.fail_msg}]
        return record

    def file(self, task: Task, version: str, size_bytes: int) -> JsonObject:
        """The metadata of a file."""
        uri = self._uri(task, version)
        return {
            "name": f"files/{file_id_of(task)}",
            "mimeType": MEDIA_TYPES[task.spec.format],
            "sizeBytes": str(size_bytes),
            "state": "ACTIVE",
            "source": "GENERATED",
            "uri": uri,
            "downloadUri": f"{uri}:download?alt=media",
        }

    def _steps(self, task: Task, version: str, content: bytes | None) -> list[JsonValue]:
        steps: list[JsonValue] = [{"type": "user_input", "content": task.request["input"]}]
        if is_delivered(task):
            media = MEDIA_TYPES[task.spec.format]
            output: JsonObject = {"type": media.partition("/")[0], "mime_type": media}
            if content is None:
                output["uri"] = self._uri(task, version)
            else:
                output["data"] = base64.b64encode(content).decode()
            steps.append({"type": "thought", "signature": base64.b64encode(task.id.encode()).decode()})
            steps.append({"type": "model_output", "content": [output]})
        return steps

    def _uri(self, task: Task, version: str) -> str:
        return f"{self._public_url}/gemini/{version}/files/{file_id_of(task)}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
