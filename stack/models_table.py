"""The catalogue in a terminal: what can be ordered, what it costs, and who serves it."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table

from providers.catalogue import CatalogueFile
from providers.models import Capabilities, Model, Price
from schemas.names import ProviderName


def show_models(available: frozenset[ProviderName], console: Console) -> None:
    """Print every model of the catalogue; a route whose account has no key here is dim."""
    shipped = CatalogueFile.shipped()
    names = Column("model", no_wrap=True)
    table = Table(names, "kind", "takes", "seconds", "price", "served by", header_style="bold")
    for model in shipped.models:
        price, length = _price(model.price), _range(model.capabilities.durations_seconds)
        table.add_row(_names(model), model.kind, _takes(model.capabilities), length, price, _routes(model, available))
    for retired in shipped.retired:
        retirement = f"retired on {retired.retired_on}: order {retired.successor}"
        table.add_row(f"[dim]{retired.name}[/dim]", f"[dim]{retired.kind}[/dim]", f"[dim]{retirement}[/dim]")
    console.print(table)
    if not available:
        console.print("No account has an API key here: set REELWORKS_PROVIDERS__KIE__API_KEY, or that of another.")


def _names(model: Model) -> str:
    return "\n".join([f"[bold]{model.name}[/bold]", *(f"[dim]{alias}[/dim]" for alias in model.aliases)])


def _takes(can: Capabilities) -> str:
    count = _range(range(can.min_images, can.max_images + 1))
    images = "" if not can.max_images else f"{count} picture{'s' if can.max_images > 1 else ''}"
    lines = [images, " ".join(can.aspect_ratios), " ".join(can.resolutions), "sound" if can.audio else ""]
    return "\n".join(filter(None, lines))


def _range(numbers: Sequence[int]) -> str:
    """`3-15` or `5, 10`; nothing of nothing."""
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}-{numbers[-1]}"
    return ", ".join(map(str, numbers))


def _price(price: Price) -> str:
    factors = [f"{name} × {factor}" for name, factor in price.resolution_factors.items() if factor != 1]
    factors += [f"sound × {price.audio_factor}"] if price.audio_factor != 1 else []
    return "\n".join([f"{price.credits} per {price.per}", *factors])


def _routes(model: Model, available: frozenset[ProviderName]) -> str:
    return "\n".join(
        route.provider if route.provider in available else f"[dim]{route.provider}[/dim]" for route in model.routes
    )
