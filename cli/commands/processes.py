"""The processes of a deployment: gateway, workers, beat and Flower. Also the vendor simulator."""

import os
import sys
from typing import Annotated

import typer

from cli.configuration import plain_settings, require_good_accounts, service_settings
from cli.console import refuse
from schemas.logs import configure_logging
from workers.roles import Role, open_roles

app = typer.Typer()


@app.command()
def gateway() -> None:
    """Serve the HTTP API."""
    from gateway.server import run_gateway

    settings = service_settings()
    require_good_accounts(settings)
    configure_logging(settings)
    run_gateway(settings)


@app.command()
def worker(
    role: Annotated[Role | None, typer.Option(help="which queues to serve; every role if left out")] = None,
    processes: Annotated[int, typer.Option(min=1, help="worker processes of each role to keep alive")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="threads in each; default: the role's own")] = None,
) -> None:
    """Run worker processes for a role, or for every role, and restart a process that exits."""
    from workers.supervisor import Supervisor, worker_commands

    settings = service_settings()
    require_good_accounts(settings)
    configure_logging(settings)
    roles = open_roles(settings.doors_off)
    if role is not None and role not in roles:
        refuse("REELWORKS_DOORS_OFF names the Redis door, which this role serves: take out one of them")
    roles = roles if role is None else [role]
    commands = worker_commands(roles, processes=processes, threads=threads)
    Supervisor(commands, drain_seconds=settings.worker_drain_seconds).run()


@app.command()
def beat() -> None:
    """Send a wake-up every second. Run one beat; a second beat does no harm."""
    from workers.beat import run_beat

    settings = service_settings()
    configure_logging(settings)
    run_beat(settings)


@app.command()
def flower() -> None:
    """Serve Flower, Celery's monitor."""
    from workers.flower import run_flower

    settings = service_settings()
    configure_logging(settings)
    run_flower(settings)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def sandbox(context: typer.Context) -> None:
    """Serve the vendors' APIs from a simulator: no key, no cost, and errors on request."""
    port = str(plain_settings().sandbox.port)
    command = [sys.executable, "-P", "-m", "sandbox", "--port", port, *context.args]
    os.execv(sys.executable, command)  # noqa: S606 -- our own module replaces this process and receives its signals
