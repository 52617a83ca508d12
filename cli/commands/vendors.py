"""Shows the catalogue, and checks the vendor accounts."""

import logging
from typing import Annotated

import structlog
import typer

from cli.configuration import provider_settings
from cli.console import console, refuse
from cli.options import AsJson
from schemas.enums import Kind

app = typer.Typer()
providers = typer.Typer(no_args_is_help=True, help="The vendor accounts that make the media.")


@app.command()
def models(
    names: Annotated[list[str] | None, typer.Argument(help="only models whose name or alias has this in it")] = None,
    kind: Annotated[Kind | None, typer.Option(help="only models that make this")] = None,
    provider: Annotated[str | None, typer.Option(help="only models that this account serves")] = None,
    only_available: Annotated[
        bool, typer.Option("--available", help="only models that can be ordered here now")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the models of the catalogue, with their prices and the accounts that serve them."""
    from cli.reports.models import Choice, show_models
    from providers.registry import Providers

    choice = Choice(names=names or (), kind=kind, provider=provider, only_available=only_available)
    show_models(Providers(provider_settings().providers).available(), console, choice, as_json=as_json)


@providers.command("check")
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
