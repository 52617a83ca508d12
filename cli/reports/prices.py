"""Prints the comparison of the customers' prices with the vendors'."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal

from rich.console import Console
from rich.table import Column, Table

from cli.reports.rows import show_json
from providers.catalogue import CatalogueFile
from providers.catalogue.lint import Loss, losses, notices, without_cost


def show_prices(catalogue: CatalogueFile, today: date, console: Console, *, as_json: bool = False) -> bool:
    """Print the orders on which we lose, and what a person should look at. Whether no order loses."""
    found, old, unknown = losses(catalogue), notices(catalogue, today), without_cost(catalogue)
    if as_json:
        told = [{**asdict(loss), "cost": float(loss.cost)} for loss in found]
        show_json({"losses": told, "notices": [*map(asdict, old)], "without_cost": [*map(asdict, unknown)]}, console)
        return not found
    if found:
        console.print(_table(found))
    for notice in old:
        console.print(f"{notice.model}: {notice.message}", style="yellow", markup=False, soft_wrap=True)
    routes = sum(len(model.routes) for model in catalogue.models)
    compared = f"{routes - len(unknown)} of {routes} routes compared; no vendor publishes a price of the others"
    losing = len({(loss.model, loss.provider) for loss in found})
    verdict = (
        f"routes that cost more than their customers pay: {losing}" if found else "no route costs more than it earns"
    )
    console.print(f"{verdict} ({compared})", style="red" if found else None, markup=False, soft_wrap=True)
    return not found


def _table(found: list[Loss]) -> Table:
    columns = [Column(name, overflow="fold") for name in ("model", "route", "setting")]
    table = Table(*columns, Column("price", justify="right"), Column("cost", justify="right"), header_style="bold")
    for loss in found:
        route = f"{loss.provider}: {loss.vendor_model}"
        table.add_row(loss.model, route, loss.settings, str(loss.price), f"{loss.cost.quantize(Decimal('0.01'))}")
    return table
