"""The life of a generation as data: allowed moves, the task of each stage, public status and progress."""

from dataclasses import dataclass

from schemas.enums import Queue, Stage, Status, TaskName

MOVES: dict[Stage, frozenset[Stage]] = {
    # A stage may move to itself: later, or by another route before a create was sent.
    Stage.QUEUED: frozenset({Stage.QUEUED, Stage.SUBMITTING, Stage.FAILED, Stage.CANCELLED}),
    Stage.SUBMITTING: frozenset({Stage.GENERATING, Stage.QUEUED, Stage.FAILED, Stage.CANCELLED}),
    # Work that a server of our own lost runs again (docs/decisions/0063).
    Stage.GENERATING: frozenset({Stage.DOWNLOADING, Stage.QUEUED, Stage.FAILED, Stage.CANCELLED}),
    Stage.DOWNLOADING: frozenset({Stage.STORING, Stage.FAILED}),
    # A bad file is fetched again.
    Stage.STORING: frozenset({Stage.SETTLING, Stage.DOWNLOADING, Stage.FAILED}),
    Stage.SETTLING: frozenset({Stage.COMPLETED}),
    Stage.COMPLETED: frozenset(),
    Stage.FAILED: frozenset(),
    Stage.CANCELLED: frozenset(),
}

TERMINAL = frozenset(stage for stage, moves in MOVES.items() if not moves)

# The stages in which the vendor has the work, or is about to get it. A callback can advance them.
AT_PROVIDER = frozenset({Stage.SUBMITTING, Stage.GENERATING})


# The stages in which a customer may cancel. Later stages have a result.
CANCELLABLE = frozenset(stage for stage, moves in MOVES.items() if Stage.CANCELLED in moves)


@dataclass(frozen=True)
class Work:
    """The message that wakes a stage."""

    task: TaskName
    """The task."""
    queue: Queue
    """The queue."""


WORK: dict[Stage, Work] = {
    Stage.QUEUED: Work(TaskName.SUBMIT, Queue.SUBMIT),
    Stage.SUBMITTING: Work(TaskName.SUBMIT, Queue.SUBMIT),
    Stage.GENERATING: Work(TaskName.POLL, Queue.POLL),
    Stage.DOWNLOADING: Work(TaskName.DOWNLOAD, Queue.DOWNLOAD),
    Stage.STORING: Work(TaskName.STORE, Queue.STORE),
    Stage.SETTLING: Work(TaskName.SETTLE, Queue.SETTLE),
}

# The progress in percent at the beginning and at the end of each stage.
PROGRESS: dict[Stage, tuple[int, int]] = {
    Stage.QUEUED: (0, 5),
    Stage.SUBMITTING: (5, 15),
    Stage.GENERATING: (15, 80),
    Stage.DOWNLOADING: (80, 90),
    Stage.STORING: (90, 97),
    Stage.SETTLING: (97, 100),
    Stage.COMPLETED: (100, 100),
}


def is_allowed(origin: Stage, target: Stage) -> bool:
    """Whether a generation may move from `origin` to `target`."""
    return target in MOVES[origin]


def status_of(stage: Stage) -> Status:
    """The public status of a stage."""
    match stage:
        case Stage.QUEUED:
            return Status.QUEUED
        case Stage.COMPLETED:
            return Status.COMPLETED
        case Stage.FAILED:
            return Status.FAILED
        case Stage.CANCELLED:
            return Status.CANCELLED
        case _:
            return Status.PROCESSING


def progress_within(stage: Stage, fraction: float) -> int:
    """The progress in percent after `fraction` (0..1) of a stage that is not terminal."""
    start, end = PROGRESS[stage]
    return start + round((end - start) * min(max(fraction, 0.0), 1.0))
