"""The whole system on this machine: `up` and `demo`."""

import sys
from typing import Annotated

import typer

from cli.configuration import RUNNING_ENVIRONMENT, plain_settings, require_good_accounts
from schemas.settings import Settings

app = typer.Typer()


@app.command()
def up() -> None:
    """Run the whole system on this machine, in the foreground: one Ctrl-C ends it."""
    from stack.up import up as run_up

    settings = plain_settings()
    require_good_accounts(settings)
    try:
        sys.exit(run_up(settings, on_ready=_ready))
    finally:
        RUNNING_ENVIRONMENT.unlink(missing_ok=True)


@app.command()
def demo(
    provider: Annotated[
        str | None, typer.Option(help="send one request through this vendor instead; `all`: one through each")
    ] = None,
) -> None:
    """Make two images and three videos against the sandbox, and show every step."""
    from cli.reports.audit import run_audit
    from stack.demo import run_demo

    settings = plain_settings()
    require_good_accounts(settings)
    sys.exit(run_demo(settings, provider=provider, audit=run_audit))


def _ready(settings: Settings) -> None:
    """What a running system is told to other commands and to its first user."""
    from stack.first_customer import ensure_first_customer
    from stack.wiring import write_environment

    write_environment(settings, RUNNING_ENVIRONMENT)
    ensure_first_customer(settings)
