"""A rate limit."""

import time
from collections import deque


class SlidingWindow:
    """Admits at most `limit` calls in any span of so many seconds. A refused call is not counted."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self._seconds = seconds
        self._admitted: deque[float] = deque()

    def admit(self) -> bool:
        """Whether a call at this moment is within the limit; if so, count it."""
        now = time.monotonic()
        while self._admitted and self._admitted[0] <= now - self._seconds:
            self._admitted.popleft()
        if len(self._admitted) >= self.limit:
            return False
        self._admitted.append(now)
        return True
