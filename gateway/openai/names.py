"""The names of models on this door: those of the catalogue, and the operator's names for them."""

from collections.abc import Iterator, Mapping

from providers.catalogue import Catalogue, ModelCard


def meant(name: str | None, names: Mapping[str, str]) -> str | None:
    """The catalogue's name of the model that an order names here. None: the first model that can do the rest.

    Args:
        names: the operator's names, and the models that they stand for.
    """
    return None if name is None else names.get(name, name) or None


def named_models(catalogue: Catalogue, names: Mapping[str, str]) -> Iterator[tuple[str, ModelCard]]:
    """The models that can be ordered here, by name: first the operator's names, then those of the catalogue."""
    for name, meant in names.items():
        card = catalogue.card(meant) if meant else None
        if card is not None and card.status != "retired":
            yield name, card
    for card in catalogue.models():
        if card.status != "retired" and card.name not in names:
            yield card.name, card
