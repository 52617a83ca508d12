"""Rehearsals of incidents: `reelworks up --rehearse` starts a part again that has died, after a pause."""

import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import typer

from stack.errors import StackError
from stack.output import Output
from stack.service import Service

PAUSE_SECONDS: Final = 20.0
"""The default time from the death of a part to its next start."""

_INCIDENTS: Final = (
    ("kill -9 {redis}", "Redis dies"),
    ("kill -9 {postgres}", "PostgreSQL dies"),
    ("kill -9 {s3}", "the object store dies"),
    ("kill -STOP {redis}", "Redis hangs; kill -CONT {redis} ends this"),
    ("kill -9 {worker-control}", "the waker dies, and no generation is settled"),
    ("kill -9 {sandbox}", "every provider refuses connections"),
)


class Rehearsal:
    """Starts dead services again, and tells the process ids of all parts.

    The file `pids/NAME` in the run folder holds the process id of each part, so that a command can name the part.
    """

    def __init__(self, services: Sequence[Service], output: Output, folder: Path, pause_seconds: float) -> None:
        """Describe the rehearsal. `begin` starts it.

        Args:
            services: the services that this process started.
            output: the terminal.
            folder: the run folder.
            pause_seconds: the time from the death of a part to its next start.
        """
        self.pause_seconds = pause_seconds
        self._services = services
        self._output = output
        self._pids = folder / "pids"
        self._has_begun = False
        self._due: dict[str, float] = {}
        self._starting: set[str] = set()

    def begin(self, processes: Mapping[str, int]) -> None:
        """Print the process ids and some incidents. From now on, a dead service starts again.

        Args:
            processes: the process ids of the application processes by name.
        """
        services = {service.name: service.pid for service in self._services if service.pid is not None}
        parts = services | dict(processes)
        self._pids.mkdir(exist_ok=True)
        for name, pid in parts.items():
            self._write(name, pid)
        self._has_begun = True
        typer.echo(self._greeting(parts))

    def check_services(self) -> None:
        """Start services again that died `pause_seconds` ago.

        Raises:
            PartFailed: a service died before all parts were ready.
        """
        for service in self._services:
            if not self._has_begun:
                service.check()
            elif (how := service.end()) is None:
                self._tell_when_ready(service)
            elif service.name not in self._due:
                self._starting.discard(service.name)
                self._due[service.name] = time.monotonic() + self.pause_seconds
                self._output.say(f"{service.name} died ({how}). It starts again in {self.pause_seconds:g} s")
            elif time.monotonic() >= self._due[service.name]:
                self._start(service)

    def is_back(self, name: str, pid: int) -> None:
        """Say that a part works again, and write its new process id."""
        self._write(name, pid)
        self._output.say(f"{name} is back (pid {pid})")

    def close(self) -> None:
        """Remove the files with the process ids."""
        shutil.rmtree(self._pids, ignore_errors=True)

    def _start(self, service: Service) -> None:
        del self._due[service.name]  # a service that dies again gets another pause
        try:
            service.start()
        except StackError as error:
            self._output.say(str(error))
        else:
            self._starting.add(service.name)

    def _tell_when_ready(self, service: Service) -> None:
        """Wait for no service: the thread of the checks hears of Ctrl-C, too."""
        if service.name in self._starting and service.answers():
            self._starting.remove(service.name)
            self.is_back(service.name, service.pid or 0)

    def _write(self, name: str, pid: int) -> None:
        (self._pids / name).write_text(f"{pid}\n")

    def _greeting(self, parts: Mapping[str, int]) -> str:
        pids = {name: f"$(cat {shlex.quote(str(_shown(self._pids / name)))})" for name in parts}
        incidents = [
            (command.format_map(pids), meaning.format_map(pids))
            for command, meaning in _INCIDENTS
            if command.partition("{")[2].rstrip("}") in parts
        ]
        width = max((len(command) for command, _ in incidents), default=0)
        return "\n".join(
            [
                f"Rehearsal: a part that dies starts again after {self.pause_seconds:g} s. Process ids:",
                *(f"  {pid:>7}  {name}" for name, pid in parts.items()),
                "Some incidents, for a second terminal; docs/rehearsals.md tells what to see and what to do:",
                *(f"  {command:<{width}}  {meaning}" for command, meaning in incidents),
            ]
        )


def _shown(path: Path) -> Path:
    """The path from the current folder, if the folder holds the path."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
