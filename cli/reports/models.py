"""Prints the catalogue: models, prices and the accounts that serve them."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Column, Table

from cli.reports.rows import show_json
from providers.base import Offer
from providers.catalogue import CatalogueFile
from providers.catalogue.capabilities import Capabilities
from providers.catalogue.models import Model, RetiredModel
from schemas.enums import Kind
from schemas.errors import NotFound
from schemas.names import ProviderName


@dataclass(frozen=True)
class Choice:
    """A filter for models."""

    names: Sequence[str] = ()
    """Parts of a name or an alias. A model matches if one part matches. Empty matches every model."""
    kind: Kind | None = None
    """The kind of media. None matches every kind."""
    provider: ProviderName | None = None
    """The account that serves the model. None matches every account."""
    only_available: bool = False
    """Whether to match only models that an account with a key serves, and that are neither paused nor retired."""

    def takes(self, model: Model | RetiredModel, offer: Offer) -> bool:
        """Whether a model matches."""
        accounts = {route.provider for route in model.routes} if isinstance(model, Model) else set()
        can_be_ordered = isinstance(model, Model) and _is_available(model, offer)
        return (
            (
                not self.names
                or any(part.lower() in name for part in self.names for name in (model.name, *model.aliases))
            )
            and self.kind in {None, model.kind}
            and (self.provider is None or self.provider in accounts)
            and (can_be_ordered or not self.only_available)
        )


def show_models(
    catalogue: CatalogueFile,
    offer: Offer,
    console: Console,
    choice: Choice = Choice(),
    *,
    as_json: bool = False,
) -> None:
    """Print models of the catalogue. A route to an account without a key is dim.

    Raises:
        NotFound: no model matches.
    """
    models = [model for model in catalogue.models if choice.takes(model, offer)]
    retired_ones = [model for model in catalogue.retired if choice.takes(model, offer)]
    if as_json:
        told = [{**model.model_dump(mode="json"), "available": _is_available(model, offer)} for model in models]
        told += [{**model.model_dump(mode="json"), "available": False} for model in retired_ones]
        show_json(told, console)
        return
    if not models and not retired_ones:
        raise NotFound("no model of the catalogue is like that: `reelworks models` shows all of them")
    columns = [Column(name, overflow="fold") for name in ("good for", "takes", "seconds", "price", "served by")]
    table = Table(Column("model", no_wrap=True), *columns, header_style="bold")
    for model in models:
        price, length = "\n".join(model.price.in_words()), _range(model.capabilities.durations_seconds)
        takes = _takes(model.capabilities)
        table.add_row(_names(model), _good_for(model), takes, length, price, _routes(model, offer))
    for retired in retired_ones:
        retirement = f"{retired.kind}, retired on {retired.retired_on}:\norder {retired.successor}"
        table.add_row(f"[dim]{retired.name}[/dim]", f"[dim]{retirement}[/dim]")
    console.print(table)
    if not offer.accounts:
        console.print("No account has an API key here: set REELWORKS_PROVIDERS__KIE__API_KEY, or that of another.")


def _is_available(model: Model, offer: Offer) -> bool:
    return model.paused_on is None and any(offer.has(route.provider, route.model) for route in model.routes)


def _names(model: Model) -> str:
    paused = [f"[yellow]paused since {model.paused_on}[/yellow]"] if model.paused_on else []
    ends = [f"[yellow]ends on {model.ends_on}[/yellow]"] if model.ends_on else []
    aliases = (f"[dim]{alias}[/dim]" for alias in model.aliases)
    return "\n".join([f"[bold]{model.name}[/bold]", *aliases, *paused, *ends])


def _good_for(model: Model) -> str:
    return f"{model.kind}: {model.good_for}\n[dim]quality {model.quality}, speed {model.speed}[/dim]"


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
    """`3-15` or `5, 10`. Empty for no numbers."""
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}-{numbers[-1]}"
    return ", ".join(map(str, numbers))


def _routes(model: Model, offer: Offer) -> str:
    return "\n".join(
        route.provider if offer.has(route.provider, route.model) else f"[dim]{route.provider}[/dim]"
        for route in model.routes
    )
