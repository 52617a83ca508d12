"""Checks the vendor accounts."""

import logging
from typing import Annotated

import structlog
import typer

from cli.configuration import provider_settings
from cli.console import console, refuse
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
