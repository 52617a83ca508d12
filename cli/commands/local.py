"""The whole system on this machine: `up` and `demo`."""

import sys
from typing import Annotated

import typer

from cli.configuration import plain_settings, require_good_accounts
from cli.console import refuse

app = typer.Typer()


@app.command()
def up(
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="start a part again that dies, and suggest incidents to cause")
    ] = False,
    pause: Annotated[
        float | None, typer.Option(min=0, max=3600, help="with --rehearse: seconds until a dead part starts again")
    ] = None,
) -> None:
    """Run the whole system on this machine in the foreground. Ctrl-C ends the system, and so does a part that dies."""
    if pause is not None and not rehearse:
        refuse("--pause is for a rehearsal: add --rehearse")
    _require_local_extra()
    from stack.first_customer import ensure_first_customer
    from stack.rehearsal import PAUSE_SECONDS
    from stack.up import up as run_up

    settings = plain_settings()
    require_good_accounts(settings)
    wait = (PAUSE_SECONDS if pause is None else pause) if rehearse else None
    sys.exit(run_up(settings, settings.data_folder, on_ready=ensure_first_customer, rehearsal_pause=wait))


@app.command()
def demo(
    provider: Annotated[
        str | None,
        typer.Option(
            help="send one request through this vendor instead; `all`: one through each; `local`: real model server"
        ),
    ] = None,
) -> None:
    """Make two images and three videos against the sandbox, and show every step."""
    _require_local_extra()
    from cli.reports.audit import run_audit
    from stack.demo import run_demo
    from stack.local_demo import run_local_demo

    settings = plain_settings()
    require_good_accounts(settings)
    if provider == "local":
        sys.exit(run_local_demo(settings, settings.data_folder / "demo", audit=run_audit))
    sys.exit(run_demo(settings, settings.data_folder / "demo", provider=provider, audit=run_audit))


def _require_local_extra() -> None:
    """End a command that starts servers if the packages of the servers are not installed."""
    from stack.local_extra import HINT, missing

    if names := missing():
        refuse(f"{', '.join(names)}: not installed; {HINT}")
