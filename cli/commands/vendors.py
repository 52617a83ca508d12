"""Checks the vendor accounts."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from cli.configuration import provider_settings
from cli.console import console, errors, refuse
from cli.options import AsJson

app = typer.Typer(no_args_is_help=True, help="The vendor accounts that make the media.")


@app.command("check")
def check_providers(
    names: Annotated[
        list[str] | None, typer.Argument(help="accounts; every one that is configured if left out")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check keys and addresses at no cost. Exit with 1 if a check fails."""
    from cli.reports.accounts import check_accounts

    settings = provider_settings()
    # The table shows the result of each call. The log lines of the calls would repeat it.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if not settings.providers.names() and not names:
        refuse("no account is configured: set REELWORKS_PROVIDERS__KIE__API_KEY, or that of another account")
    if not check_accounts(settings, names or [], console, as_json=as_json):
        raise typer.Exit(1)


@app.command("try")
def try_provider(
    name: Annotated[str, typer.Argument(help="the account")],
    model: Annotated[
        str | None, typer.Option(help="a model of the catalogue; default: the cheapest that needs only a prompt")
    ] = None,
    folder: Annotated[Path, typer.Option(help="where the file is stored")] = Path(),
    seconds: Annotated[int, typer.Option(min=10, help="the most time to wait for the vendor")] = 600,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before the order")] = False,
) -> None:
    """Make one order at the vendor, with the account's key and for the vendor's money. Asks first."""
    from cli.reports import trial
    from providers.registry import Providers
    from schemas.errors import DownloadError

    settings = provider_settings()
    if not settings.providers.named(name).api_key.get_secret_value():
        refuse(f"the account {name} has no API key here: set REELWORKS_PROVIDERS__{name.upper()}__API_KEY")
    try:
        order = trial.cheapest_order(name, model, Providers(settings.providers).servers())
        console.print(
            f"{name} will be asked for {order.kind} by {order.routes[0].model} ({order.model}). Our price is "
            f"{order.credits} credits; the vendor charges the account its own price.",
            markup=False,
            soft_wrap=True,
        )
        if not yes:
            _ask()
        with console.status("waiting for the vendor"):
            made = trial.run(settings, name, order, folder, seconds=seconds)
    except (trial.TrialFailed, DownloadError) as error:
        errors.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    charge = "tells no charge" if made.charged is None else f"charged {made.charged} of its credits"
    console.print(
        f"{made.path}: {made.content_type}, {made.size_bytes} bytes, after {made.seconds:.1f} s. The vendor {charge}.",
        markup=False,
        soft_wrap=True,
    )


def _ask() -> None:
    if not sys.stdin.isatty():
        refuse("nothing was ordered: there is no terminal to ask on, so say --yes")
    if not typer.confirm("Order it?"):
        refuse("nothing was ordered")
