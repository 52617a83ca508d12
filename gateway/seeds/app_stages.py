"""The words of `/api/video` for the state of a generation. Its pages show a stage with a range of percent."""

from typing import Final, Literal

from schemas.enums import Status

AppStatus = Literal["queued", "processing", "encoding", "completed", "failed"]
AppStage = Literal["queued", "initializing", "generating", "encoding", "uploading", "completed"]

_ENDS: Final[tuple[tuple[int, AppStage], ...]] = (
    (5, "queued"),
    (15, "initializing"),
    (80, "generating"),
    (95, "encoding"),
    (100, "uploading"),
)
"""Each stage of an unfinished generation, with the percent at which the next stage begins."""


def status_word(status: Status, progress: int) -> AppStatus:
    """The status. The form has no word for a cancelled generation: it is failed, and its message says more."""
    match status:
        case Status.QUEUED:
            return "queued"
        case Status.PROCESSING:
            return "encoding" if stage_word(status, progress) in {"encoding", "uploading"} else "processing"
        case Status.COMPLETED:
            return "completed"
        case Status.FAILED | Status.CANCELLED:
            return "failed"


def stage_word(status: Status, progress: int) -> AppStage | None:
    """The stage whose range has the progress. None for a generation without a result."""
    if status in {Status.FAILED, Status.CANCELLED}:
        return None
    if status is Status.COMPLETED:
        return "completed"
    return next((stage for end, stage in _ENDS if progress < end), "uploading")
