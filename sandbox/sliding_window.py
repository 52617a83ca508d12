"""A rate limit over a sliding window."""

import time
from collections import deque


class SlidingWindow:
    """Admits at most `limit` calls in any span of this length. Refused calls do not count."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self._seconds = seconds
        self._admitted: deque[float] = deque()

    @property
    def count(self) -> int:
        """The number of admitted calls in the span that ends now."""
        while self._admitted and self._admitted[0] <= time.monotonic() - self._seconds:
            self._admitted.popleft()
        return len(self._admitted)

    def admit(self) -> bool:
        """Whether a call now is within the limit. An admitted call is counted."""
        if self.count >= self.limit:
            return False
        self._admitted.append(time.monotonic())
        return True
