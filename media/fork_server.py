"""The decoder's server process: started at the first file, and started again after its end."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock

# `-I`: environment variables, user packages and the working directory do not affect imports. `-B`: writes no bytecode.
_COMMAND = [sys.executable, "-I", "-B", "-m", "media.child"]
# One arena: each arena of glibc's malloc would take 64 MiB of the address space, which the memory limit counts.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1"}

_STOP_SECONDS = 5.0


FILES_OF_A_PROCESS = 32
"""The most small pictures that one process reads. A fork costs as much processor time as reading a small picture."""


class ServerGone(Exception):
    """The process ended for another reason than its file."""


@dataclass
class Process:
    """A process for one job at a time."""

    connection: socket.socket
    """The connection. The process ends when the connection is closed."""
    memory_bytes: int
    """The memory limit, which holds for the life of the process."""
    server: subprocess.Popen[bytes]
    """The server that forked the process. The process ends with it."""
    files: int = 0
    """The number of files that the process has read before."""

    def lost_its_server(self, *, within: float) -> bool:
        """Whether the server ends within some seconds."""
        with suppress(subprocess.TimeoutExpired):
            self.server.wait(within)
        return self.server.poll() is not None


class ForkServer:
    """Gives processes of `media/child.py`. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: tuple[subprocess.Popen[bytes], socket.socket] | None = None
        self._kept: list[Process] = []

    def start(self) -> None:
        """Start the server if it does not run. The server loads its decoders meanwhile."""
        with self._lock:
            self._running = self._running or _start()

    @contextmanager
    def process(self, memory_bytes: int, *, shared: bool, output: int | None = None) -> Iterator[Process]:
        """A process for one job. After an exception, it reads no other file.

        Args:
            shared: the process may have read, and may read again, other files of `shared` jobs.
            output: the descriptor of an open file that the process may write. None: it writes no file.

        Raises:
            ServerGone: the server ended.
        """
        process = self._take(memory_bytes) if shared else self._fork(memory_bytes, output)
        try:
            yield process
        except BaseException:
            process.connection.close()
            raise
        process.files += 1
        if shared and process.files < FILES_OF_A_PROCESS:
            self._kept.append(process)
        else:
            process.connection.close()

    def _take(self, memory_bytes: int) -> Process:
        while self._kept:
            with suppress(IndexError):  # another thread was faster
                process = self._kept.pop()
                if process.memory_bytes == memory_bytes:
                    return process
                process.connection.close()
        return self._fork(memory_bytes)

    def _fork(self, memory_bytes: int, output: int | None = None) -> Process:
        ours, theirs = _pair()
        with theirs, self._lock:
            if self._running is not None and self._running[0].poll() is not None:
                self._stop()
            server, control = self._running = self._running or _start()
            try:
                socket.send_fds(control, [b"j"], [theirs.fileno(), *([] if output is None else [output])])
            except OSError as error:
                ours.close()
                self._stop()
                raise ServerGone from error
        return Process(ours, memory_bytes, server)

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
        while self._kept:
            self._kept.pop().connection.close()
        control.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection: ours, and one for a process that waits for its bytes.

    Kombu sets a default timeout of the process while it gives a lost connection up. A socket that is made meanwhile
    takes the timeout over, and a wait for bytes fails in the other process.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(True)
    theirs.setblocking(True)
    return ours, theirs


def _start() -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = _pair()
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
