"""The application processes of Reelworks, as data."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from schemas.settings import Settings
from stack.child import Child
from stack.wiring import flower_url, gateway_url, sandbox_environment, sandbox_url
from stack.workers import Workers
from workers.roles import open_roles

# The time from the end of a drain to the end of the process.
_BEYOND_BOUND_SECONDS = 5.0


@dataclass(frozen=True)
class Process:
    """A process and its readiness check. Every process is essential: the system ends when one dies."""

    name: str
    """The name in logs and in the terminal."""
    argv: tuple[str, ...]
    """The command line."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables of this process alone."""
    ready_url: str | None = None
    """The URL that answers GET with 2xx when the process does its work."""
    is_ready: Callable[[], bool] | None = None
    """The check of a process without `ready_url`. A process without both is ready when it runs."""
    stop_seconds: float = Child.stop_seconds
    """The time from the request to stop to SIGKILL."""
    start_seconds: float = Child.start_seconds
    """The time from the start until the process must be ready."""

    def answers(self) -> bool:
        """Whether the process does its work."""
        if self.ready_url is None:
            return self.is_ready is None or self.is_ready()
        try:
            return httpx.get(self.ready_url, timeout=2, trust_env=False).is_success
        except httpx.TransportError:
            return False


Processes = Callable[[Settings], Sequence[Process]]
"""Returns the processes of a system with these settings, in the order of their start."""


class ApplicationProcess(Child):
    """A `Process` that runs as a child. Its output goes to `folder/{name}.log`."""

    def __init__(self, process: Process, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(process.name, log=folder / f"{process.name}.log")
        self.process = process
        self.stop_seconds, self.start_seconds = process.stop_seconds, process.start_seconds
        self._environment = {**environment, **process.env}

    def command(self) -> Sequence[str]:
        """The command line of the process."""
        return self.process.argv

    def environment(self) -> Mapping[str, str]:
        """The variables for all processes, and the variables of this process."""
        return self._environment

    def answers(self) -> bool:
        """Whether the process runs and does its work."""
        return self.alive() and self.process.answers()


def application_processes(settings: Settings) -> list[Process]:
    """All processes except the sandbox."""
    gateway_seconds = settings.gateway_drain_seconds + _BEYOND_BOUND_SECONDS
    worker_seconds = settings.worker_drain_seconds + _BEYOND_BOUND_SECONDS
    workers = Workers(settings)
    return [
        _cli("gateway", "gateway", ready_url=f"{gateway_url(settings)}/readyz", stop_seconds=gateway_seconds),
        *(
            _cli(
                f"worker-{role}",
                "worker",
                "--role",
                role,
                is_ready=partial(workers.serves, role),
                stop_seconds=worker_seconds,
            )
            for role in open_roles(settings.doors_off)
        ),
        _cli("beat", "beat", is_ready=workers.hears_beat),
        _cli("flower", "flower", ready_url=f"{flower_url(settings)}/healthcheck"),
    ]


def sandbox_process(settings: Settings) -> Process:
    """The vendor simulator."""
    return _cli(
        "sandbox",
        "sandbox",
        ready_url=f"{sandbox_url(settings)}/_sandbox/health",
        env=sandbox_environment(settings),
    )


def _cli(
    name: str,
    *arguments: str,
    ready_url: str | None = None,
    is_ready: Callable[[], bool] | None = None,
    env: Mapping[str, str] | None = None,
    stop_seconds: float = Child.stop_seconds,
) -> Process:
    # -P: Python must not import a user's `cli.py` or `tasks` from the current folder.
    argv = (sys.executable, "-P", "-m", "cli", *arguments)
    return Process(name, argv, env or {}, ready_url, is_ready, stop_seconds)
