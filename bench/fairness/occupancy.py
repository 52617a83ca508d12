"""How much of an account was used while work waited for it."""

from collections.abc import Iterable

Span = tuple[float, float]
"""Begin and end, Unix seconds."""


def used(busy: Iterable[Span], waiting: Iterable[Span], places: int) -> float:
    """The used part of the places, over the time in which anything waited.

    Args:
        busy: the spans in which a place was taken.
        waiting: the spans in which an order waited.
        places: the number of places.
    """
    changes = sorted(
        (at, kind, change)
        for kind, spans in (("busy", busy), ("waiting", waiting))
        for begin, end in spans
        for at, change in ((begin, 1), (end, -1))
    )
    counts = {"busy": 0, "waiting": 0}
    taken = seconds = before = 0.0
    for at, kind, change in changes:
        if counts["waiting"]:
            taken += (at - before) * min(counts["busy"], places)
            seconds += at - before
        counts[kind] += change
        before = at
    return taken / (seconds * places) if seconds else 1.0
