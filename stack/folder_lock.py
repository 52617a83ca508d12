"""One owner for one folder: a kernel lock that ends with the process that holds it, however it ends.

A pid file would outlive a killed process and may name a stranger after the number is used again; a lock cannot.
Standard library only: `stack.guard` runs it without site-packages.
"""

import fcntl
import os
import time
from pathlib import Path


def take(path: Path) -> int | None:
    """Locks `path` and writes our pid into it.

    Returns:
        The open file, which holds the lock until it is closed in every process that inherited it; None if another
        process holds the lock.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


def holder(path: Path) -> int | None:
    """The pid that was written by whoever holds the lock, where it can be read."""
    text = path.read_text().strip() if path.exists() else ""
    return int(text) if text.isdigit() else None


def wait_until_free(path: Path, seconds: float) -> bool:
    """Waits for a process that is on its way out to let go; False if it still holds the lock after `seconds`."""
    deadline = time.monotonic() + seconds
    while (lock := take(path)) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    os.close(lock)
    return True
