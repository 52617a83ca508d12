"""Replicate's prediction, and the webhooks that carry it, signed as Standard Webhooks."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from sandbox.config import file_url
from sandbox.standard_webhooks import signature_headers
from sandbox.task import JsonObject, Seal, State, Task

_STATUSES = {
    State.WAITING: "starting",
    State.QUEUING: "starting",
    State.GENERATING: "processing",
    State.SUCCESS: "succeeded",
    State.FAIL: "failed",
    State.CANCELLED: "canceled",
}


class ReplicateWebhooks:
    """Writes predictions, as answers and as webhooks. Without a secret webhooks are unsigned.

    Only the `completed` event is sent: "when the prediction reaches a terminal state (succeeded/canceled/failed)"
    (https://replicate.com/docs/topics/webhooks/setup-webhook).
    """

    tells_progress = False

    def __init__(self, public_url: str, secret: str | None) -> None:
        self._public_url = public_url
        self._secret = secret

    def body(self, task: Task) -> JsonObject:
        """The prediction: the body of every answer and webhook."""
        hidden = task.scenario.state_word is not None
        url = f"{self._public_url}/replicate/v1/predictions/{task.id}"
        prediction: JsonObject = {
            "id": task.id,
            "model": task.model,
            "version": "hidden",
            "input": task.request["input"],
            "output": None if hidden else self._output(task),
            "logs": "",
            "error": task.fail_msg,
            "status": task.scenario.state_word or _STATUSES[task.state],
            "source": "api",
            "data_removed": False,
            "created_at": _time(task.created_at),
            "urls": {"web": f"{self._public_url}/replicate/p/{task.id}", "get": url, "cancel": f"{url}/cancel"},
        }
        ran = (task.completed_at or time.time()) - task.begins_at
        if ran >= 0:
            prediction["started_at"] = _time(task.begins_at)
        if task.completed_at is not None and not hidden:
            prediction["completed_at"] = _time(task.completed_at)
            total = task.completed_at - task.created_at
            prediction["metrics"] = {"predict_time": max(ran, 0.0), "total_time": total}
        return prediction

    def forged_body(self, task: Task) -> JsonObject:
        """A success whose result URL leads to nothing."""
        return {
            **self.body(task),
            "status": "succeeded",
            "output": file_url(self._public_url, f"forged-{task.file_name}"),
        }

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:
        """The three webhook headers. A wrong seal uses an unknown secret."""
        return signature_headers(self._secret, f"msg_{task.id}", content, seal)

    def _output(self, task: Task) -> JsonValue:
        if task.ended is not State.SUCCESS:
            return None
        links: list[JsonValue] = [file_url(self._public_url, name) for name in task.results]
        if task.spec.format == "mp4":
            return links[0] if links else None
        return links


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
