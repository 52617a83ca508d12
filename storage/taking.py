"""Whether a process takes new work, and how much work it has."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Taking:
    """A gate before new work. From the moment when `is_closed`, the process takes nothing new.

    Every thread that takes work does so inside `taking`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_open = True
        self._inside = 0

    @property
    def is_open(self) -> bool:
        """Whether the process takes new work."""
        return self._is_open

    @property
    def inside(self) -> int:
        """The threads inside `taking` that were let in."""
        return self._inside

    @contextmanager
    def taking(self) -> Iterator[bool]:
        """Whether this thread may take new work during the block."""
        with self._lock:
            may = self._is_open
            self._inside += may
        try:
            yield may
        finally:
            with self._lock:
                self._inside -= may

    @property
    def is_closed(self) -> bool:
        """Whether no thread is let in, and none is inside any more."""
        with self._lock:
            return not self._is_open and self._inside == 0

    def close(self) -> None:
        """Let no thread in any more. Returns at once; the threads inside go on."""
        with self._lock:
            self._is_open = False

    def open(self) -> None:
        """Let threads in again."""
        with self._lock:
            self._is_open = True
