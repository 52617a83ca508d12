"""The whole system as children of this process, for tests and the demo."""

import os
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from schemas.settings import Settings
from stack.child import Child
from stack.credentials import Credentials
from stack.errors import StackError
from stack.processes import ApplicationProcess, Processes, application_processes, sandbox_process
from stack.services import LocalServices, Tell, ended_in_reverse, owned, tell_nobody
from stack.wiring import (
    SandboxUse,
    flower_url,
    gateway_url,
    sandbox_url,
    settings_environment,
    start_on_free_ports,
    wired,
    with_any_ports,
)

Migrate = Callable[[str], None]
"""Migrates the database at a URL to the newest schema."""


def migrate(database_url: str) -> None:
    """Apply the migrations of `storage`."""
    from storage.migrate import upgrade

    upgrade(database_url)


class Stack:
    """Starts services, migrations and application processes, in this order. The end of the `with` block stops them.

    After the start, the settings hold every URL, and every process reads exactly these settings.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        only: Collection[str] | None = None,
        sandbox: bool = True,
        free_ports: bool = True,
        durable: bool = False,
        extra_env: Mapping[str, str] | None = None,
        processes: Processes = application_processes,
        migrate: Migrate = migrate,
        tell: Tell = tell_nobody,
    ) -> None:
        """Describe the system. Entering the `with` block starts the system.

        Args:
            folder: the run folder with data, logs and secrets. The folder remains, and the next run uses it again.
            settings: the settings of the user. Services that they name are not started; the others are embedded.
            only: the names of the processes to start. None starts all. An empty set starts only the services.
            sandbox: run the vendor simulator, and point every provider account at the simulator.
            free_ports: use free ports for the gateway, Flower and the sandbox instead of the configured ones.
            durable: keep the data safe from a power cut.
            extra_env: more environment variables for all processes. These win.
            processes: returns the processes.
            migrate: prepares the database.
            tell: receives the name of each part that is ready.
        """
        self.folder = folder.resolve()
        self._given = with_any_ports(settings) if free_ports else settings
        self._only = only
        self._sandbox = sandbox
        self._durable = durable
        self._extra_env = dict(extra_env or {})
        self._processes = processes
        self._migrate = migrate
        self._tell = tell
        self._parts: dict[str, Child] = {}
        self._settings: Settings | None = None
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        """Start every part and wait until all answer.

        Raises:
            StackError: a part could not start. The parts that had started have ended again.
        """
        with ExitStack() as ends:
            self._start(ends)
            self._ends = ends.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every part in reverse order, the services last. A second call does nothing."""
        self._ends.close()

    @property
    def settings(self) -> Settings:
        """The settings of the running system."""
        if self._settings is None:
            raise StackError("The stack has not been started: use it in a with statement")
        return self._settings

    @property
    def env(self) -> dict[str, str]:
        """The variables that connect another process to this system, without the environment of this process."""
        return settings_environment(self.settings) | self._extra_env

    @property
    def gateway_url(self) -> str:
        """The gateway's URL without a trailing slash."""
        return gateway_url(self.settings)

    @property
    def sandbox_url(self) -> str:
        """The sandbox's URL without a trailing slash."""
        return sandbox_url(self.settings)

    @property
    def flower_url(self) -> str:
        """Flower's URL without a trailing slash."""
        return flower_url(self.settings)

    @property
    def parts(self) -> Mapping[str, Child]:
        """All services and processes by name, in the order of their start."""
        return MappingProxyType(self._parts)

    def part(self, name: str) -> Child:
        """A service (`postgres`, `redis`, `s3`) or an application process.

        Raises:
            StackError: no part has this name.
        """
        if name not in self._parts:
            raise StackError(f"There is no part {name!r}; there are {', '.join(self._parts)}")
        return self._parts[name]

    def start(self, name: str) -> None:
        """Start a part again and wait until the part answers."""
        part = self.part(name)
        part.start()
        part.wait_until_ready()

    def stop(self, name: str) -> None:
        """Stop a part with its stop signal."""
        self.part(name).stop()

    def kill(self, name: str) -> None:
        """Kill a part with SIGKILL."""
        self.part(name).kill()

    def restart(self, name: str) -> None:
        """Stop a part, start the part again and wait until it answers."""
        self.stop(name)
        self.start(name)

    def check(self) -> None:
        """Raise PartFailed, with the last lines, if a part died and this object did not end the part."""
        for part in self._parts.values():
            part.check()

    def _start(self, ends: ExitStack) -> None:
        folder = ends.enter_context(owned(self.folder))
        credentials = Credentials.of(folder)
        wire = partial(wired, self._given, credentials, SandboxUse.ALL if self._sandbox else SandboxUse.NONE)
        settings = wire()
        services = LocalServices(folder, settings, credentials, durable=self._durable)
        self._parts = {child.name: child for child in services.children}
        ends.enter_context(ended_in_reverse(services.children))
        services.start(self._tell)
        settings = services.fill_in(settings)
        self._migrate(settings.database_url)
        started = start_on_free_ports(self._start_processes, settings, lambda before: services.fill_in(wire(before)))
        ends.push(started)

    def _start_processes(self, settings: Settings) -> ExitStack:
        """Start the processes and wait until all answer. The returned stack ends the processes."""
        self._settings = settings
        processes = [*self._processes(self.settings)]
        if self._sandbox:
            processes.append(sandbox_process(self.settings))
        environment = {**os.environ, **self.env, "PYTHONUNBUFFERED": "1"}
        children = [
            ApplicationProcess(process, self.folder / "logs", environment)
            for process in processes
            if self._only is None or process.name in self._only
        ]
        self._parts |= {child.name: child for child in children}
        with ExitStack() as attempt:
            attempt.enter_context(ended_in_reverse(children))
            for child in children:
                child.start()
            for child in children:
                child.wait_until_ready()
                self._tell(child.name)
            self.check()  # a process without a readiness check may have died meanwhile
            return attempt.pop_all()
