"""The decoder: `python -m media.child`, with a socket as standard input. `media/decoder.py` starts it.

The server loads the decoders once and forks for each connection. A process has its own limits, and reads one file or,
one after the other, a few small pictures. The server itself never reads a byte of a file.
"""

import fcntl
import importlib
import io
import os
import pkgutil
import select
import signal
import socket
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import BinaryIO, Never, cast

import av
from PIL import Image

from media import isolation, wire
from media.lengths import longest
from media.reader import read
from media.reading import Probe
from media.variants.making import make
from media.variants.recipes import Job
from media.variants.sink import DiskFull, FileTooLarge
from schemas.enums import Kind
from schemas.errors import ResultInvalid
from schemas.media_types import BY_CONTENT_TYPE

_MOST_TRACEBACK = 4000


def main() -> None:
    """Serve jobs until the process that started this server closes its socket."""
    isolation.leave_network()
    with socket.socket(fileno=0) as control:
        _load()
        _Server(control).run()


def _load() -> None:
    """Load the modules that the decoders import at their first use: a job opens no file."""
    Image.init()
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


class _Server:
    """Forks a process for each connection that it receives, and ends the process with its connection."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._jobs: dict[int, tuple[int, socket.socket]] = {}
        """Process ids and connections by the connection's file descriptor."""
        self._poll = select.poll()
        self._ended, wakes = os.pipe()
        os.set_blocking(self._ended, False)
        os.set_blocking(wakes, False)
        # A child's end writes to the pipe, which wakes `poll`.
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._poll.register(control, select.POLLIN)
        self._poll.register(self._ended, select.POLLIN)

    def run(self) -> None:
        """Serve until the control socket is closed."""
        is_open = True
        while is_open:
            for descriptor, _ in self._poll.poll():
                if descriptor == self._control.fileno():
                    is_open = self._start()
                elif descriptor == self._ended:
                    os.read(self._ended, 4096)
                elif descriptor in self._jobs:
                    # The process that asked has closed the connection: the job took too long, or nobody waits for it.
                    self._end(descriptor)
            self._reap()
        for descriptor in list(self._jobs):
            self._end(descriptor)

    def _start(self) -> bool:
        """Start a job. Returns whether the control socket is open."""
        received, descriptors, _, _ = socket.recv_fds(self._control, 1, 2)
        if not received:
            return False
        connection, output = socket.socket(fileno=descriptors[0]), descriptors[1:]
        process = os.fork()
        if process == 0:
            _work(connection, output[0] if output else None)
        for descriptor in output:
            os.close(descriptor)
        self._jobs[connection.fileno()] = process, connection
        self._poll.register(connection, 0)  # a hang-up is always reported
        return True

    def _end(self, descriptor: int) -> None:
        process, connection = self._jobs.pop(descriptor)
        self._poll.unregister(descriptor)
        connection.close()
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)

    def _reap(self) -> None:
        """Close the connections of ended jobs, so that the other side sees the end."""
        for descriptor, (process, connection) in list(self._jobs.items()):
            ended = os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                continue
            if ended.si_code != os.CLD_EXITED and ended.si_status == signal.SIGXCPU:
                _tell_out_of_time(connection)
            self._end(descriptor)


def _tell_out_of_time(connection: socket.socket) -> None:
    """Say for a job that the kernel ended it at its limit of processor time. A crash says nothing."""
    connection.setblocking(False)
    with suppress(OSError):  # the other side has gone, or reads no more
        wire.send(connection, {"out_of_time": True})


def _work(connection: socket.socket, output: int | None) -> Never:
    """Do tasks in this process until the other side closes the connection.

    Args:
        output: the descriptor of the file for a variant. None: there is no such file.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # One of the two may have the number of the other.
    kept = None if output is None else fcntl.fcntl(output, fcntl.F_DUPFD, isolation.OUTPUT + 1)
    os.dup2(connection.detach(), isolation.CONNECTION)
    if kept is not None:
        os.dup2(kept, isolation.OUTPUT)
    own, is_confined = socket.socket(fileno=isolation.CONNECTION), False
    try:
        while True:
            message = wire.receive(own)
            task = wire.Task(**message.values)
            if not is_confined:
                isolation.confine(task.memory_bytes, task.output_bytes)
                is_confined = True
            isolation.limit_time(task.seconds)
            wire.send(own, {"started": True})
            _answer(own, task, _file(own, task, message.content))
    finally:
        os._exit(1)


def _file(connection: socket.socket, task: wire.Task, content: bytes) -> BinaryIO:
    """The file: it came with the task, or it is read from the process that asked."""
    if len(content) == task.size_bytes:
        return io.BytesIO(content)
    return cast("BinaryIO", io.BufferedReader(wire.RemoteFile(connection, task.size_bytes), wire.BLOCK_BYTES))


def _answer(connection: socket.socket, task: wire.Task, file: BinaryIO) -> None:
    """Do a task, and send its result or the reason why there is none."""
    try:
        values, content = _TASKS[task.name](file, task, connection)
    except ResultInvalid as error:
        values, content = {"invalid": str(error)}, b""
    except MemoryError:
        values, content = {"memory": True}, b""
    except FileTooLarge:
        values, content = {"too_large": True}, b""
    except DiskFull:
        values, content = {"disk_full": True}, b""
    except wire.NoMessage:
        raise
    except Exception:  # noqa: BLE001 -- the edge of the process: the traceback goes to the log of the worker
        values, content = {"failure": traceback.format_exc()[-_MOST_TRACEBACK:]}, b""
    wire.send(connection, values, content)


Answer = tuple[Mapping[str, object], bytes]


def _read(file: BinaryIO, task: wire.Task, connection: socket.socket) -> Answer:
    def tell(probe: Probe) -> None:
        wire.send(connection, {"probe": asdict(probe)})

    reading = read(file, BY_CONTENT_TYPE[task.content_type], Kind(task.kind), memory_bytes=task.memory_bytes, tell=tell)
    poster = reading.poster
    values = {
        "reading": asdict(reading.probe),
        "undecoded": reading.undecoded,
        "poster": None if poster is None else {"width": poster.width, "height": poster.height},
    }
    return values, b"" if poster is None else poster.content


def _measure(file: BinaryIO, task: wire.Task, _: socket.socket) -> Answer:
    return {"seconds": longest(file, BY_CONTENT_TYPE[task.content_type])}, b""


def _make(file: BinaryIO, task: wire.Task, _: socket.socket) -> Answer:
    job = Job(**(task.variant or {}))
    made, index = make(file, BY_CONTENT_TYPE[task.content_type], job, isolation.OUTPUT, memory_bytes=task.memory_bytes)
    return {"made": asdict(made)}, (index or "").encode()


_TASKS: Mapping[str, Callable[[BinaryIO, wire.Task, socket.socket], Answer]] = {
    "read": _read,
    "measure": _measure,
    "make": _make,
}


if __name__ == "__main__":
    main()
