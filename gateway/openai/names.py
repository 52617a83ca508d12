"""The names of models on this door: those of the catalogue, and the operator's names for them."""

from collections.abc import Iterator, Mapping

from providers.catalogue import Catalogue, ModelCard


def named_models(catalogue: Catalogue, names: Mapping[str, str]) -> Iterator[tuple[str, ModelCard]]:
    """The models that can be ordered here, by name: first the operator's names, then those of the catalogue."""
    for name, meant in names.items():
        card = catalogue.card(meant) if meant else None
        if card is not None and card.status != "retired":
            yield name, card
    for card in catalogue.models():
        if card.status != "retired" and card.name not in names:
            yield card.name, card
