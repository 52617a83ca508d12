"""A job: its states, its request in full, and its document on the wire."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict


class Status(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    LOADING = "loading"
    """The job's turn has come, and its pipeline is being loaded."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """The server stopped while the job waited or ran. The server does not run the job again."""


ENDED: Final = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.LOST})
"""The states that no job leaves."""


class Work(BaseModel):
    """A request with every default filled in."""

    model_config = ConfigDict(frozen=True)

    prompt: str | None
    """None: the pipeline takes none."""
    negative_prompt: str | None
    """None: none."""
    has_picture: bool
    """Whether the store keeps a picture for this job."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    num_frames: int | None
    """None: an image."""
    fps: int | None
    """Frames in a second. None: an image."""
    steps: int
    """Denoising steps."""
    guidance: float | None
    """None: the pipeline takes none."""
    seed: int
    """The seed of the job's generator."""
    options: dict[str, float]
    """The pipeline's own knobs."""


@dataclass(frozen=True)
class ResultFile:
    """The facts of a result."""

    content_type: str
    """`video/mp4` or `image/png`."""
    bytes: int
    """The size of the file."""
    sha256: str
    """The digest of the file in hexadecimal digits."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    frames: int | None
    """None: an image."""
    fps: int | None
    """None: an image."""


@dataclass(frozen=True)
class Job:
    """A job as the store has it."""

    id: str
    """Drawn by the server."""
    reference: str
    """The caller's own name. Unique."""
    body_digest: str
    """The digest of the request that made the job."""
    pipeline: str
    """The configured name."""
    work: Work
    """The request with its defaults."""
    status: Status
    """The state."""
    step: int
    """Finished steps."""
    is_cancel_requested: bool
    """Whether a cancel came while the job ran."""
    created_at: float
    """Seconds since 1970."""
    started_at: float | None
    """When the job's turn came."""
    finished_at: float | None
    """When the job ended."""
    file: ResultFile | None
    """The result's facts. They stay when the file has expired."""
    is_file_expired: bool
    """Whether the file has been removed."""
    error_code: str | None
    """Of a failed job."""
    error_message: str | None
    """Of a failed job."""
    webhook_url: str | None
    """Where the finished job is sent."""
    instance: str
    """The start of the server that took the job."""

    def document(self, ahead: int = 0) -> dict[str, Any]:
        """The job on the wire. `ahead`: the jobs before this one."""
        began, ended = self.started_at, self.finished_at
        is_done = self.status is Status.SUCCEEDED
        return {
            "id": self.id,
            "reference": self.reference,
            "pipeline": self.pipeline,
            "status": self.status.value,
            "progress": 1.0 if is_done else round(min(1.0, self.step / self.work.steps), 4),
            "step": self.step,
            "steps": self.work.steps,
            "ahead": ahead,
            "seed": self.work.seed,
            "cancel_requested": self.is_cancel_requested,
            "created_at": _time(self.created_at),
            "started_at": _time(began),
            "finished_at": _time(ended),
            "seconds": None if began is None or ended is None else round(ended - began, 3),
            "file": None if self.file is None else self.file.__dict__.copy(),
            "error": None
            if self.error_code is None
            else {"code": self.error_code, "message": self.error_message or self.error_code},
            "instance": self.instance,
        }


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
