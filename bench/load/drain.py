"""Waits for orders to finish."""

import time
from collections.abc import Callable

_LOOK_EVERY_SECONDS = 0.1
_STALLED_SECONDS = 60.0


def wait_for(
    finished: Callable[[], int], wanted: int, *, report: Callable[[str], None] = lambda _: None
) -> float | None:
    """Wait until `finished` reaches `wanted`.

    Returns:
        The time of the check that saw it, on `time.perf_counter`, at most 0.1 s late. None if nothing finished for a
        minute.
    """
    seen, moved_at = -1, time.perf_counter()
    while True:
        count, now = finished(), time.perf_counter()
        if count >= wanted:
            return now
        if count > seen:
            seen, moved_at = count, now
            report(f"{count} of {wanted}")
        elif now - moved_at > _STALLED_SECONDS:
            return None
        time.sleep(_LOOK_EVERY_SECONDS)
