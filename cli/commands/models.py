"""Shows the catalogue, and compares its prices with the vendors' prices."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.configuration import plain_settings, provider_settings
from cli.console import console
from cli.options import AsJson, by_default
from schemas.enums import Kind

app = typer.Typer(cls=by_default("list"), help="The models that customers order. Without a command: list them.")


@app.command("list")
def list_models(
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
    from providers.catalogue import CatalogueFile
    from providers.catalogue.own_prices import with_own_prices
    from providers.registry import Providers

    choice = Choice(names=names or (), kind=kind, provider=provider, only_available=only_available)
    settings = provider_settings()
    catalogue = with_own_prices(CatalogueFile.shipped(), settings.prices)
    show_models(catalogue, Providers(settings.providers).offer(), console, choice, as_json=as_json)


@app.command()
def lint(as_json: AsJson = False) -> None:
    """Compare each price with the vendors' prices. Exit with 1 if a customer pays less than we do.

    The prices are yours: the catalogue's, or those that you set in their place.
    """
    from cli.reports.prices import show_prices
    from providers.catalogue import CatalogueFile
    from providers.catalogue.own_prices import with_own_prices

    catalogue = with_own_prices(CatalogueFile.shipped(), plain_settings().prices)
    if not show_prices(catalogue, datetime.now(UTC).date(), console, as_json=as_json):
        raise typer.Exit(1)
