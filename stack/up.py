"""`reelworks up`: runs the whole system in the foreground of a terminal until Ctrl-C."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import typer

from providers.registry import Providers
from schemas.enums import Door
from schemas.settings import Settings
from stack.credentials import Credentials
from stack.errors import PortTaken, StackError
from stack.foreground import Foreground
from stack.output import Output, Readiness
from stack.processes import Processes, application_processes, sandbox_process
from stack.rehearsal import Rehearsal
from stack.running import own_environment_file
from stack.services import LocalServices, Tell, ended_in_reverse, owned
from stack.stack import Migrate, migrate
from stack.wiring import (
    SandboxUse,
    flower_url,
    gateway_url,
    has_provider_key,
    sandbox_url,
    settings_environment,
    start_on_free_ports,
    wired,
    write_environment,
)

OnReady = Callable[[Settings], None]

EXIT_FAILED = 1
EXIT_PORT_TAKEN = 2
EXIT_INTERRUPTED = 128 + signal.SIGINT

# The output adds the time and the name of the process to each line.
_CHILDREN = {"PYTHONUNBUFFERED": "1", "REELWORKS_LOG_TIMESTAMPS": "false"}


def up(
    settings: Settings,
    folder: Path = Path(".reelworks"),
    *,
    on_ready: OnReady | None = None,
    processes: Processes = application_processes,
    migrate: Migrate = migrate,
    rehearsal_pause: float | None = None,
) -> int:
    """Run services, migrations and all processes until a signal arrives or a part dies. Call in the main thread.

    The sandbox runs too, for the orders of test keys, unless the settings name another sandbox for them. Without a key
    for a real provider account, every account points at the sandbox.

    Args:
        settings: the settings of the user. Services that they name are not started.
        folder: the run folder with data, logs and secrets. The next run uses it again.
        on_ready: runs once with the complete settings, when every process answers. The call runs in a thread and holds
            back the output of the processes. An exception ends the system.
        processes: returns the processes without the sandbox.
        migrate: prepares the database.
        rehearsal_pause: the seconds after which a part that died starts again. None: the death of a part ends the run.

    Returns:
        The exit code: 130 after SIGINT, 143 after SIGTERM, 1 if a part died or did not start, 2 if a port is taken.
    """
    try:
        with _sigterm_as_exit():
            return _up(settings, folder, on_ready or (lambda _: None), processes, migrate, rehearsal_pause)
    except PortTaken as error:
        typer.echo(error, err=True)
        return EXIT_PORT_TAKEN
    except StackError as error:
        typer.echo(error, err=True)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _up(
    given: Settings, folder: Path, on_ready: OnReady, processes: Processes, migrate: Migrate, pause: float | None
) -> int:
    use = _use_of_the_sandbox(given)
    with ExitStack() as ends:
        folder = ends.enter_context(owned(folder))
        environment = ends.enter_context(own_environment_file(folder))
        credentials = Credentials.of(folder)
        wire = partial(wired, given.model_copy(update={"data_folder": folder}), credentials, use)
        settings = wire()
        typer.echo(_banner(settings, use))
        services = LocalServices(folder, settings, credentials)
        ends.enter_context(ended_in_reverse(services.children))
        output = Output(sys.stdout)
        rehearsal = None if pause is None else Rehearsal(services.children, output, folder, pause)
        if rehearsal is not None:
            ends.callback(rehearsal.close)
        run = _Run(services, _with_sandbox(processes, use), on_ready, environment, output, rehearsal)
        tell = Readiness(run.output, run.parts(settings))
        services.start(tell)
        settings = services.fill_in(settings)
        migrate(settings.database_url)
        start = partial(run.until_end, tell)
        manager = start_on_free_ports(start, settings, lambda before: services.fill_in(wire(before)))
    if manager.failure is not None:
        raise manager.failure
    return manager.returncode or 0


@dataclass(frozen=True)
class _Run:
    """The services and processes of a run, and their terminal."""

    services: LocalServices
    processes: Processes
    on_ready: OnReady
    environment: Path
    """The file in which other commands find the settings of the running system."""
    output: Output
    rehearsal: Rehearsal | None
    """None: the death of a part ends the run."""

    def parts(self, settings: Settings) -> list[str]:
        """The names of all services and processes."""
        services = [service.name for service in self.services.children]
        return services + [process.name for process in self.processes(settings)]

    def until_end(self, tell: Tell, settings: Settings) -> Foreground:
        """Run the processes until the end.

        Raises:
            PartFailed: a part failed before all parts were ready.
        """
        manager = Foreground(
            self.processes(settings),
            {**os.environ, **settings_environment(settings), **_CHILDREN},
            self.output,
            check_services=(self.rehearsal or self.services).check_services,
            tell=tell,
            on_ready=lambda: self._greet(settings),
            rehearsal=self.rehearsal,
        )
        manager.loop()
        if manager.failure is not None and not manager.has_started:
            raise manager.failure
        return manager

    def _greet(self, settings: Settings) -> None:
        write_environment(settings, self.environment)
        self.on_ready(settings)


def _use_of_the_sandbox(given: Settings) -> SandboxUse:
    if not has_provider_key(given):
        return SandboxUse.ALL
    return SandboxUse.NONE if given.test_keys.sandbox_url else SandboxUse.TEST_KEYS


def _with_sandbox(processes: Processes, use: SandboxUse) -> Processes:
    runs = use is not SandboxUse.NONE
    return lambda settings: [*processes(settings), *([sandbox_process(settings)] if runs else [])]


_TOLD = {
    SandboxUse.TEST_KEYS: "for the orders of test keys",
    SandboxUse.ALL: "no provider key is set: results are simulated",
}


def _banner(settings: Settings, use: SandboxUse) -> str:
    gateway = gateway_url(settings)
    lines = [
        "Reelworks starts. Ctrl-C ends it.",
        f"  gateway  {gateway}",
        "" if Door.STUDIO in settings.doors_off else f"  Studio   {gateway}/studio/",
        f"  docs     {gateway}/docs",
        f"  Flower   {flower_url(settings)}",
        f"  sandbox  {sandbox_url(settings)} ({_TOLD[use]})" if use in _TOLD else "",
        f"  data     {settings.data_folder}",
        _polled(settings),
    ]
    return "\n".join(line for line in lines if line)


def _polled(settings: Settings) -> str:
    """A warning if a vendor cannot call back."""
    providers = Providers(settings.providers, public_url=settings.public_url)
    names = ", ".join(providers.out_of_reach())
    if not names:
        return ""
    return (
        f"  warning  {names} cannot reach {settings.public_url}: results are polled, which is slower.\n"
        "           Set REELWORKS_PUBLIC_URL to an address of the gateway that the internet reaches."
    )


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    """Make SIGTERM unwind like Ctrl-C while no manager runs. Restore both handlers at the end."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
