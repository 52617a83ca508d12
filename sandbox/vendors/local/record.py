"""The job: the answer to every call, and the body of the webhook, signed as Standard Webhooks."""

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from sandbox.media import MEDIA_TYPES
from sandbox.media_store import MediaStore
from sandbox.standard_webhooks import signature_headers
from sandbox.task import JsonObject, Seal, State, Task

_WORDS = {
    State.WAITING: "queued",
    State.QUEUING: "loading",
    State.GENERATING: "running",
    State.SUCCESS: "succeeded",
    State.FAIL: "failed",
    State.CANCELLED: "cancelled",
}


class JobWriter:
    """Writes the jobs of one server."""

    tells_progress = False

    def __init__(self, media: MediaStore, secret: str | None, instance: str, *, steps: int, seed: int) -> None:
        """Makes the writer of one job.

        Args:
            secret: signs webhooks. None: unsigned.
            instance: the server's own name.
            steps: the steps of the job.
            seed: the seed of the job.
        """
        self._media = media
        self._secret = secret
        self._instance = instance
        self._steps = steps
        self._seed = seed

    def body(self, task: Task) -> JsonObject:
        """The present state of a job."""
        word = task.scenario.state_word or _WORDS[task.state]
        hidden = task.scenario.state_word is not None
        progress = 0.0 if hidden else _progress(task)
        begun = time.time() >= task.begins_at and task.state is not State.WAITING
        return {
            "id": task.id,
            "reference": task.external_id,
            "pipeline": task.model,
            "status": word,
            "progress": progress,
            "step": int(progress * self._steps),
            "steps": self._steps,
            "ahead": task.slots.before(task) if task.slots is not None and word == "queued" else None,
            "seed": self._seed,
            "cancel_requested": task.cancels > 0,
            "created_at": _time(task.created_at),
            "started_at": _time(task.begins_at) if begun else None,
            "finished_at": None if task.completed_at is None or hidden else _time(task.completed_at),
            "seconds": None if task.completed_at is None or hidden else max(0.0, task.completed_at - task.begins_at),
            "file": None if hidden else self._file(task),
            "error": {"code": code_of(task), "message": task.fail_msg}
            if task.ended is State.FAIL and not hidden
            else None,
            "instance": self._instance,
        }

    def forged_body(self, task: Task) -> JsonObject:
        """A false claim of success."""
        return {**self.body(task), "status": "succeeded"}

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:
        """The three webhook headers. A wrong seal uses an unknown secret."""
        return signature_headers(self._secret, f"msg_{task.id}", content, seal)

    def _file(self, task: Task) -> JsonObject | None:
        path = self._media.path(task.results[0]) if task.results else None
        if path is None:
            return None
        spec = task.spec.changed(task.scenario.delivered)
        content = path.read_bytes()
        is_video = spec.format == "mp4"
        return {
            "content_type": MEDIA_TYPES[spec.format],
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "width": spec.width,
            "height": spec.height,
            "frames": round(spec.duration_seconds * spec.frame_rate) if is_video else 1,
            "fps": spec.frame_rate if is_video else None,
        }


def code_of(task: Task) -> str:
    """The code of a failure. A scenario's default code is a number, and the wire has no such code."""
    code = task.fail_code or ""
    return "pipeline_failed" if code.isdigit() else code


def _progress(task: Task) -> float:
    match task.state:
        case State.GENERATING:
            return max(0.0, min(0.99, (time.time() - task.begins_at) / max(task.ends_at - task.begins_at, 1e-3)))
        case State.SUCCESS:
            return 1.0
        case _:
            return 0.0


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
