"""Checks the configured vendor accounts, and prints the results as a table or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Column, Table

from providers.catalogue import CatalogueFile
from providers.registry import Providers
from schemas.names import ProviderName
from schemas.provider_errors import ProviderError
from schemas.settings import Settings


@dataclass(frozen=True)
class Verdict:
    """The result of the check of an account."""

    name: ProviderName
    """The name of the account."""
    adapter: str
    """The adapter that serves the account."""
    base_url: str
    """The configured address. Empty means the vendor's address."""
    models: Sequence[str]
    """The models of the catalogue with a route to the account."""
    is_good: bool
    """Whether the vendor accepted the account without a warning."""
    says: str
    """`ok`, or the warning or error."""
    credits: float | None
    """The remaining credits in the vendor's unit. None if the vendor does not report them."""


def check_accounts(settings: Settings, names: Sequence[ProviderName], console: Console, *, as_json: bool) -> bool:
    """Call a free endpoint of each vendor. Return whether all accounts are good.

    Args:
        names: the names of accounts. Empty means every configured account.
        as_json: print one JSON document, and nothing else, on standard output.

    Raises:
        InvalidSettings: an account has no adapter.
    """
    providers = Providers(settings.providers)
    status = Console(stderr=True) if as_json else console
    verdicts: list[Verdict] = []
    try:
        for name in names or settings.providers.names():
            with status.status(f"asking {name}"):
                verdicts.append(_check(settings, providers, name))
    finally:
        providers.close()
    if as_json:
        console.print_json(json.dumps([asdict(verdict) for verdict in verdicts]))
    else:
        console.print(_table(verdicts))
    return all(verdict.is_good for verdict in verdicts)


def _check(settings: Settings, providers: Providers, name: ProviderName) -> Verdict:
    try:
        state = providers.get(name).check()
    except ProviderError as error:
        is_good, says, left = False, error.message, None
    else:
        is_good, says, left = state.warning is None, state.warning or "ok", state.credits
    account = settings.providers.named(name)
    return Verdict(
        name=name,
        adapter=account.adapter or name,
        base_url=account.base_url,
        models=[
            model.name for model in CatalogueFile.shipped().models if name in {route.provider for route in model.routes}
        ],
        is_good=is_good,
        says=says,
        credits=None if left is None else float(left),
    )


def _table(verdicts: Sequence[Verdict]) -> Table:
    # Columns fold long words instead of cutting them. Only the JSON holds the names of models.
    columns = [Column(name, overflow="fold") for name in ("account", "address", "models", "credits", "says")]
    table = Table(*columns, header_style="bold")
    for verdict in verdicts:
        account = verdict.name if verdict.adapter == verdict.name else f"{verdict.name} ({verdict.adapter})"
        left = "" if verdict.credits is None else f"{verdict.credits:g}"
        says = f"[green]{verdict.says}[/green]" if verdict.is_good else f"[red]{verdict.says}[/red]"
        table.add_row(account, verdict.base_url or "the vendor's own", str(len(verdict.models)), left, says)
    return table
