"""The catalogue in a terminal: what can be ordered, what it costs, and who serves it."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table

from providers.catalogue import CatalogueFile
from providers.catalogue.capabilities import Capabilities
from providers.catalogue.models import Model, Price
from schemas.names import ProviderName


def show_models(available: frozenset[ProviderName], console: Console) -> None:
    """Print every model of the catalogue; a route whose account has no key here is dim."""
    shipped = CatalogueFile.shipped()
    columns = [Column(name, overflow="fold") for name in ("kind", "takes", "seconds", "price", "served by")]
    table = Table(Column("model", no_wrap=True), *columns, header_style="bold")
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
    paused = [f"[yellow]paused since {model.paused_on}[/yellow]"] if model.paused_on else []
    return "\n".join([f"[bold]{model.name}[/bold]", *(f"[dim]{alias}[/dim]" for alias in model.aliases), *paused])


def _takes(can: Capabilities) -> str:
    lines = [
        _count(can.min_images, can.max_images, "picture"),
        _count(can.min_videos, can.max_videos, "video"),
        " ".join(can.aspect_ratios),
        " ".join(can.resolutions),
        f"{_range(can.frame_rates)} fps" if can.frame_rates else "",
        " ".join(_switches(can)),
    ]
    return "\n".join(filter(None, lines))


def _count(least: int, most: int, what: str) -> str:
    return f"{_range(range(least, most + 1))} {what}{'s' if most > 1 else ''}" if most else ""


def _switches(can: Capabilities) -> list[str]:
    has = {
        "sound": can.audio,
        "seed": can.max_seed is not None,
        "negative prompt": can.negative_prompt_characters > 0,
        "motion": can.motion,
        "enhanced prompt": can.enhance_prompt,
    }
    return [name for name, is_there in has.items() if is_there]


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
