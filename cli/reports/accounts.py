"""Whether the vendor accounts that are configured work, as a table and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Column, Table

from providers.catalogue import CatalogueFile
from providers.registry import Providers
from schemas.errors import ProviderError
from schemas.names import ProviderName
from schemas.settings import Settings


@dataclass(frozen=True)
class Verdict:
    """What became of the check of one account."""

    name: ProviderName
    adapter: str
    base_url: str
    """Empty: the vendor's own."""
    models: Sequence[str]
    is_good: bool
    says: str
    credits: float | None
    """In the vendor's own unit, where it tells."""


def check_accounts(settings: Settings, names: Sequence[ProviderName], console: Console, *, as_json: bool) -> bool:
    """Ask each vendor for something that costs nothing; whether all accounts are good.

    Args:
        names: of accounts; every one that is configured if there are none.
        as_json: one JSON document, and nothing else, on standard output.

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
    # What is cut off is lost: words are folded instead, and the names of models are in the JSON.
    columns = [Column(name, overflow="fold") for name in ("account", "address", "models", "credits", "says")]
    table = Table(*columns, header_style="bold")
    for verdict in verdicts:
        account = verdict.name if verdict.adapter == verdict.name else f"{verdict.name} ({verdict.adapter})"
        left = "" if verdict.credits is None else f"{verdict.credits:g}"
        says = f"[green]{verdict.says}[/green]" if verdict.is_good else f"[red]{verdict.says}[/red]"
        table.add_row(account, verdict.base_url or "the vendor's own", str(len(verdict.models)), left, says)
    return table
