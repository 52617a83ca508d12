"""Measures how fast a host sends a file. A host that sends slowly holds a thread that others wait for."""

from schemas.errors import SlowSource


class Pace:
    """The bytes of a host, and the time of waiting for them. The time in which nobody reads does not count.

    Args:
        least_bytes_per_second: the least rate. 0: any rate.
        window_seconds: the seconds of waiting over which the rate is measured.
    """

    def __init__(self, *, least_bytes_per_second: int, window_seconds: float) -> None:
        self._least = least_bytes_per_second
        self._window_seconds = window_seconds
        self._bytes = 0
        self._seconds = 0.0

    def add(self, size_bytes: int, *, seconds: float) -> None:
        """Count bytes that came after some seconds of waiting.

        Raises:
            SlowSource: the host sent less than the least rate.
        """
        self._bytes += size_bytes
        self._seconds += seconds
        if self._seconds < self._window_seconds:
            return
        if self._bytes < self._least * self._seconds:
            raise SlowSource(
                f"the file's host sent less than {self._least} bytes a second for {self._window_seconds:g} s"
            )
        self._bytes, self._seconds = 0, 0.0
