"""Whether a process takes new work, and how much work it has."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Taking:
    """A gate before new work. After `close` has returned, the process takes nothing new.

    Every thread that takes work does so inside `taking`.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
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
        with self._changed:
            may = self._is_open
            self._inside += may
        try:
            yield may
        finally:
            with self._changed:
                self._inside -= may
                self._changed.notify_all()

    def close(self) -> None:
        """Let no thread in any more, and wait until no thread is inside."""
        with self._changed:
            self._is_open = False
            self._changed.wait_for(lambda: self._inside == 0)

    def open(self) -> None:
        """Let threads in again."""
        with self._changed:
            self._is_open = True
