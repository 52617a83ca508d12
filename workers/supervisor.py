"""Keeps worker processes alive: restarts a process that exits, and passes signals on to all processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from types import FrameType

import structlog

from workers.roles import Role

log = structlog.get_logger()

KILL_AFTER_SECONDS = 3.0
"""The time after the bound in which a worker hands back its steps and disconnects from Redis."""

_RESTART_AFTER_SECONDS = 1.0
_RESTART_CAP_SECONDS = 30.0
# After a run of this length, the next restart is quick again.
_STEADY_SECONDS = 60.0
_CHECK_SECONDS = 0.2


class Supervisor:
    """Runs commands as child processes until SIGTERM or SIGINT.

    The supervisor passes the first signal on as SIGTERM, and the second as SIGQUIT: the children then hand back their
    steps at once. The supervisor kills a child that outlives its bound.
    """

    def __init__(self, commands: dict[str, list[str]], *, drain_seconds: float) -> None:
        """Describe the children. `run` runs them.

        Args:
            commands: the command lines by the names of the children.
            drain_seconds: the time for the children to end after SIGTERM.
        """
        self._children = {name: _Child(name, command) for name, command in commands.items()}
        self._drain_seconds = drain_seconds
        # A plain number: a signal handler may interrupt the owner of a lock, so the handler must take no lock.
        self._times_asked = 0

    def run(self) -> None:
        """Block until a signal arrives and every child has ended."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)
        while not self._times_asked:
            for child in self._children.values():
                child.keep_alive()
            time.sleep(_CHECK_SECONDS)
        self._end()

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._times_asked += 1

    def _end(self) -> None:
        self._pass_on(signal.SIGTERM)
        is_hastened = False
        kill_at = time.monotonic() + self._drain_seconds + KILL_AFTER_SECONDS
        while any(child.runs() for child in self._children.values()):
            if self._times_asked > 1 and not is_hastened:
                is_hastened = True
                self._pass_on(signal.SIGQUIT)
            if time.monotonic() > kill_at:
                for child in self._children.values():
                    child.kill()
            time.sleep(_CHECK_SECONDS)

    def _pass_on(self, number: signal.Signals) -> None:
        for child in self._children.values():
            child.send(number)


class _Child:
    def __init__(self, name: str, command: list[str]) -> None:
        self._name = name
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = 0.0
        self._restarts_in_a_row = 0

    def keep_alive(self) -> None:
        """Start the process if it does not run and its start is due."""
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

    def runs(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process if it runs."""
        if self._process is not None and self.runs():
            self._process.send_signal(number)

    def kill(self) -> None:
        """Kill the process. Its leases expire."""
        if self.runs():
            log.error("worker_killed", worker=self._name)
            self.send(signal.SIGKILL)


def worker_commands(roles: Iterable[Role], *, processes: int, threads: int | None) -> dict[str, list[str]]:
    """The command lines of worker processes by node name. Each role gets the given number of processes and threads."""
    extra = [] if threads is None else ["--threads", str(threads)]
    commands: dict[str, list[str]] = {}
    for role in roles:
        for number in range(1, processes + 1):
            name = role.value if processes == 1 else f"{role}{number}"
            arguments = ["--role", role, "--name", name, "--parent", str(os.getpid()), *extra]
            commands[name] = [sys.executable, "-P", "-m", "workers", *arguments]
    return commands
