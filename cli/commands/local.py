"""The whole system on this machine: `up` and `demo`."""

import sys
from typing import Annotated

import typer

from cli.configuration import plain_settings, require_good_accounts
from cli.console import refuse

app = typer.Typer()


@app.command()
def up() -> None:
    """Run the whole system on this machine in the foreground. Ctrl-C ends the system."""
    _require_local_extra()
    from stack.first_customer import ensure_first_customer
    from stack.up import up as run_up

    settings = plain_settings()
    require_good_accounts(settings)
    sys.exit(run_up(settings, settings.data_folder, on_ready=ensure_first_customer))


@app.command()
def demo(
    provider: Annotated[
        str | None, typer.Option(help="send one request through this vendor instead; `all`: one through each")
    ] = None,
) -> None:
    """Make two images and three videos against the sandbox, and show every step."""
    _require_local_extra()
    from cli.reports.audit import run_audit
    from stack.demo import run_demo

    settings = plain_settings()
    require_good_accounts(settings)
    sys.exit(run_demo(settings, settings.data_folder / "demo", provider=provider, audit=run_audit))


def _require_local_extra() -> None:
    """End a command that starts servers if the packages of the servers are not installed."""
    from stack.local_extra import HINT, missing

    if names := missing():
        refuse(f"{', '.join(names)}: not installed; {HINT}")
