"""Gives a folder one owner by a kernel lock. The kernel drops the lock when the owner ends, even by SIGKILL.

A pid file outlives a killed process, and may name another process after the kernel uses the pid again. A lock cannot.
This module uses only the standard library: `stack.guard` runs without site-packages.
"""

import fcntl
import os
import time
from pathlib import Path


def take(path: Path) -> int | None:
    """Lock `path` and write the pid of this process into the file.

    Returns:
        The open file. The lock lasts until every process that inherited the file has closed it. None if another process
        holds the lock.
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
    """The pid of the lock's owner. None if the file holds no pid."""
    text = path.read_text().strip() if path.exists() else ""
    return int(text) if text.isdigit() else None


def wait_until_free(path: Path, seconds: float) -> bool:
    """Wait until an ending process drops the lock. False if the process still holds the lock after `seconds`."""
    deadline = time.monotonic() + seconds
    while (lock := take(path)) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    os.close(lock)
    return True
