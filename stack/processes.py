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
from workers.roles import Role

# A process that drains ends soon after its bound.
_BEYOND_BOUND_SECONDS = 5.0


@dataclass(frozen=True)
class Process:
    """What to run, and how to see that it works. Every process is essential: the system ends when one dies."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready_url: str | None = None
    """Answers GET with 2xx once the process does its work."""
    is_ready: Callable[[], bool] | None = None
    """Asked where there is no `ready_url`; without either, the process is ready as soon as it runs."""
    stop_seconds: float = Child.stop_seconds
    """From the request to stop to SIGKILL."""

    def answers(self) -> bool:
        """Whether the process does its work."""
        if self.ready_url is None:
            return self.is_ready is None or self.is_ready()
        try:
            return httpx.get(self.ready_url, timeout=2, trust_env=False).is_success
        except httpx.TransportError:
            return False


Processes = Callable[[Settings], Sequence[Process]]
"""Which processes a system with these settings has, in the order in which they start."""


class ApplicationProcess(Child):
    """A `Process` that runs as a child of ours, with its output in `folder/{name}.log`."""

    def __init__(self, process: Process, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(process.name, log=folder / f"{process.name}.log")
        self.process = process
        self.stop_seconds = process.stop_seconds
        self._environment = {**environment, **process.env}

    def command(self) -> Sequence[str]:
        """The process's own command line."""
        return self.process.argv

    def environment(self) -> Mapping[str, str]:
        """What the stack gives to all, and what the process asks for."""
        return self._environment

    def answers(self) -> bool:
        """Whether it runs and does its work."""
        return self.alive() and self.process.answers()


def application_processes(settings: Settings) -> list[Process]:
    """Everything but the sandbox."""
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
            for role in Role
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
    # -P: a `cli.py` or a `tasks` folder of the user's, where the command was given, is none of ours.
    argv = (sys.executable, "-P", "-m", "cli", *arguments)
    return Process(name, argv, env or {}, ready_url, is_ready, stop_seconds)
