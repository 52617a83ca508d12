"""The decoder's server process: started at the first file, and started again after its end."""

import os
import socket
import subprocess
import sys
from contextlib import suppress
from threading import Lock

# `-I`: environment variables, user packages and the working directory do not affect imports. `-B`: writes no bytecode.
_COMMAND = [sys.executable, "-I", "-B", "-m", "media.child"]
# One arena: each arena of glibc's malloc would take 64 MiB of the address space, which the memory limit counts.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1"}

_STOP_SECONDS = 5.0


class ServerGone(Exception):
    """The server ended, so the end of a job says nothing about its file."""


class ForkServer:
    """Connects to processes of `media/child.py`. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: tuple[subprocess.Popen[bytes], socket.socket] | None = None

    def connect(self) -> socket.socket:
        """A connection to a new process for one job. The process ends when the connection is closed.

        Raises:
            ServerGone: the server ended.
        """
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            _, control = self._running = self._running or _start()
            try:
                socket.send_fds(control, [b"j"], [theirs.fileno()])
            except OSError as error:
                ours.close()
                self._stop()
                raise ServerGone from error
        return ours

    def has_ended(self, *, within: float) -> bool:
        """Whether the server ends within some seconds."""
        with self._lock:
            if self._running is not None:
                with suppress(subprocess.TimeoutExpired):
                    self._running[0].wait(within)
                    self._stop()
            return self._running is None

    def close(self) -> None:
        """End the server and all its jobs."""
        with self._lock:
            self._stop()

    @property
    def process_id(self) -> int | None:
        """The process id of the server. None if it does not run."""
        return None if self._running is None else self._running[0].pid

    def _stop(self) -> None:
        if self._running is None:
            return
        process, control = self._running
        self._running = None
        control.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start() -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        # A terminal's Ctrl-C goes to a whole session: the worker finishes its files first.
        process = subprocess.Popen(  # noqa: S603 -- every argument is ours
            _COMMAND,
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd=os.sep,
            start_new_session=True,
        )
    return process, ours
