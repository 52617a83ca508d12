"""`reelworks up`: the whole system in the foreground of one terminal, until Ctrl-C."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import typer

from schemas.settings import Settings
from stack.credentials import Credentials
from stack.errors import PortTaken, StackError
from stack.foreground import Foreground
from stack.processes import Processes, application_processes, sandbox_process
from stack.services import Services, ended_in_reverse, owned
from stack.stack import Migrate, migrate
from stack.wiring import (
    flower_url,
    gateway_url,
    has_provider_key,
    sandbox_url,
    settings_environment,
    with_configured_ports,
    with_sandbox,
)

OnReady = Callable[[Settings], None]

EXIT_FAILED = 1
EXIT_PORT_TAKEN = 2
EXIT_INTERRUPTED = 128 + signal.SIGINT


def up(
    settings: Settings,
    folder: Path = Path(".reelworks"),
    *,
    on_ready: OnReady | None = None,
    processes: Processes = application_processes,
    migrate: Migrate = migrate,
) -> int:
    """Runs services, migrations and all processes until a signal comes or a part dies. Call it in the main thread.

    With no key for a real provider account, the accounts are the sandbox's, which then runs too.

    Args:
        settings: what the user configured; services that these name are not started.
        folder: the run folder: data, logs and secrets, kept for the next run.
        on_ready: called once, when every process answers, with the filled-in settings. It runs in a thread,
            with the processes' output held back while it prints; what it raises ends the system.
        processes: which processes there are, apart from the sandbox.
        migrate: what prepares the database.

    Returns:
        The exit code: 130 or 143 after SIGINT or SIGTERM, 1 when a part died or did not start, 2 when a port is taken.
    """
    try:
        with _sigterm_as_exit():
            return _up(settings, folder, on_ready or (lambda _: None), processes, migrate)
    except PortTaken as error:
        typer.echo(error, err=True)
        return EXIT_PORT_TAKEN
    except StackError as error:
        typer.echo(error, err=True)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _up(given: Settings, folder: Path, on_ready: OnReady, processes: Processes, migrate: Migrate) -> int:
    sandbox = not has_provider_key(given)
    with ExitStack() as ends:
        folder = ends.enter_context(owned(folder))
        settings = with_configured_ports(given, sandbox=sandbox)
        credentials = Credentials.of(folder)
        services = Services(folder, with_sandbox(settings, credentials) if sandbox else settings, credentials)
        settings = services.settings
        typer.echo(_banner(settings, folder, sandbox=sandbox))
        ends.enter_context(ended_in_reverse(services.children))
        services.start()
        migrate(settings.database_url)
        manager = Foreground(
            [*processes(settings), *([sandbox_process(settings)] if sandbox else [])],
            {**os.environ, **settings_environment(settings), "PYTHONUNBUFFERED": "1"},
            check_services=services.check,
            on_ready=lambda: on_ready(settings),
        )
        manager.loop()
    if manager.failure is not None:
        raise manager.failure
    return manager.returncode or 0


def _banner(settings: Settings, folder: Path, *, sandbox: bool) -> str:
    gateway = gateway_url(settings)
    lines = [
        "Reelworks starts. Ctrl-C ends it.",
        f"  gateway  {gateway}",
        f"  docs     {gateway}/docs",
        f"  Flower   {flower_url(settings)}",
        f"  sandbox  {sandbox_url(settings)} (no provider key is set: results are simulated)" if sandbox else "",
        f"  data     {folder}",
    ]
    return "\n".join(line for line in lines if line)


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    """Makes SIGTERM unwind like Ctrl-C while no manager runs; and gives both signals back at the end."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
