"""The most that a vendor had at once, from the times of its tasks."""

from collections.abc import Iterable, Sequence

from sandbox.control_models import Peaks
from sandbox.task import Task


def most_at_once(spans: Iterable[tuple[float, float]]) -> int:
    """The most spans that overlap. A span that begins when another ends does not overlap it."""
    changes = sorted(change for begin, end in spans for change in ((begin, 1), (end, -1)))
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def peaks(tasks: Sequence[Task], *, window_seconds: float) -> Peaks:
    """The peaks of these tasks. A task that has not ended is in flight."""
    in_flight = ((task.created_at, task.completed_at or float("inf")) for task in tasks)
    windows = ((task.created_at, task.created_at + window_seconds) for task in tasks)
    return Peaks(in_flight=most_at_once(in_flight), creates_in_window=most_at_once(windows))
