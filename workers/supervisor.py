"""Keep worker processes alive: restart one that exits, and pass the end on to all of them."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from types import FrameType

import structlog

from workers.roles import Role

log = structlog.get_logger()

_RESTART_AFTER_SECONDS = 1.0
_RESTART_CAP_SECONDS = 30.0
# A process that lived this long had a good start: the next restart is quick again.
_STEADY_SECONDS = 60.0
_CHECK_SECONDS = 0.2


class Supervisor:
    """Runs commands as child processes until SIGTERM or SIGINT, which it passes on once."""

    def __init__(self, commands: dict[str, list[str]]) -> None:
        self._children = {name: _Child(name, command) for name, command in commands.items()}
        self._stopping = threading.Event()

    def run(self) -> None:
        """Block until told to stop and every child has ended."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        while not self._stopping.is_set():
            for child in self._children.values():
                child.keep_alive()
            self._stopping.wait(_CHECK_SECONDS)
        for child in self._children.values():
            child.terminate()
        for child in self._children.values():
            child.wait()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()


class _Child:
    def __init__(self, name: str, command: list[str]) -> None:
        self._name = name
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = 0.0
        self._restarts_in_a_row = 0

    def keep_alive(self) -> None:
        """Start the process if it does not run and is due."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            self._plan_restart(now, self._process.returncode)
        if self._process is None and now >= self._start_at:
            self._process = subprocess.Popen(self._command)  # noqa: S603 -- our own command
            self._started_at = now

    def _plan_restart(self, now: float, exit_code: int) -> None:
        self._restarts_in_a_row = 0 if now - self._started_at > _STEADY_SECONDS else self._restarts_in_a_row + 1
        delay = min(_RESTART_CAP_SECONDS, _RESTART_AFTER_SECONDS * 2.0 ** min(self._restarts_in_a_row, 10))
        log.error("worker_exited", worker=self._name, exit_code=exit_code, restart_in_seconds=delay)
        self._process = None
        self._start_at = now + delay

    def terminate(self) -> None:
        """Ask the process to finish what it is doing and end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Wait for the end; whoever runs the supervisor decides how long, with SIGKILL."""
        if self._process is not None:
            self._process.wait()


def worker_commands(roles: Iterable[Role], *, processes: int, threads: int | None) -> dict[str, list[str]]:
    """The commands of so many worker processes for each role, by node name."""
    extra = [] if threads is None else ["--threads", str(threads)]
    commands: dict[str, list[str]] = {}
    for role in roles:
        for number in range(1, processes + 1):
            name = role.value if processes == 1 else f"{role}{number}"
            arguments = ["--role", role, "--name", name, "--parent", str(os.getpid()), *extra]
            commands[name] = [sys.executable, "-m", "workers", *arguments]
    return commands
