"""Reads the catalogue's files: `makers/` has a file for each maker, `catalogue.toml` the order of all models.

A model may name a group of its file. It takes what the group says, field by field, and what it says itself comes first.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from providers.catalogue.models import Family, Model, RetiredModel, Style

Table = dict[str, Any]

TABLES = frozenset({"capabilities", "defaults", "price"})
"""The tables of a model that are joined with its group's, field by field."""


class CatalogueFile(BaseModel):
    """The whole catalogue, of all its files; an entry that contradicts another is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    models: list[Model]
    """What can be ordered, in the order that decides which model serves where none is named."""

    retired: list[RetiredModel]
    """What could be ordered once."""

    families: list[Family] = []
    """Names that stand for several models. The first family that answers to a name decides."""

    styles: list[Style] = []
    """Looks that customers may ask for by name."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        seen: set[str] = set()
        active = {model.name for model in self.models if model.paused_on is None}
        entries: list[Model | RetiredModel] = [*self.models, *self.retired]
        for entry in entries:
            for name in (entry.name, *entry.aliases):
                if name in seen:
                    raise ValueError(f"two models answer to the name {name!r}")
                seen.add(name)
            if entry.successor is not None and entry.successor not in active:
                raise ValueError(f"{entry.name}: its successor {entry.successor!r} is not a model that can be ordered")
        names = {model.name for model in self.models}
        for model in self.models:
            if unknown := set(model.capabilities.extends) - names:
                raise ValueError(f"{model.name}: there is no model {sorted(unknown)} to go on from")
        for family in self.families:
            if unknown := set(family.models) - names:
                raise ValueError(f"{family.patterns}: there is no model {sorted(unknown)}")
        return self

    @classmethod
    @lru_cache
    def shipped(cls) -> Self:
        """The catalogue that comes with Reelworks, read once."""
        return cls.model_validate(read_folder(files("providers.catalogue")))


class _MakersModel(BaseModel):
    """A model of a maker's file. Its other fields are those of `Model`, which are checked once its group is known."""

    model_config = ConfigDict(strict=True, extra="allow")

    name: str
    group: str | None = None


class _MakersFile(BaseModel):
    """A file of `makers/`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    groups: dict[str, Table] = {}
    models: list[_MakersModel]


def read_folder(folder: Traversable) -> Table:
    """The files of a catalogue as one table, as `CatalogueFile` takes it.

    Raises:
        ValueError: a file has another form, the order and the makers' files do not name the same models, or a model
            names no group of its file.
    """
    catalogue = _table(folder / "catalogue.toml")
    order: list[str] = catalogue.pop("order")
    makers = [file for file in (folder / "makers").iterdir() if file.name.endswith(".toml")]
    models = [model for maker in makers for model in _models(maker)]
    ordered, described = Counter(order), Counter(model["name"] for model in models)
    if odd := sorted((ordered - described) + (described - ordered)):
        raise ValueError(
            f"each model stands once in the order of catalogue.toml and once in a file of makers/; not {odd}"
        )
    return {"models": sorted(models, key=lambda model: order.index(model["name"])), **catalogue}


def _models(maker: Traversable) -> Iterator[Table]:
    """The models of a maker, each with what its group says."""
    try:
        file = _MakersFile.model_validate(_table(maker))
    except ValidationError as error:
        raise ValueError(f"{maker.name}: {error}") from None
    for model in file.models:
        if model.group is not None and model.group not in file.groups:
            raise ValueError(f"{maker.name}: {model.name} names the group {model.group!r}; there are {[*file.groups]}")
        yield _joined(file.groups.get(model.group or "", {}), {"name": model.name, **(model.model_extra or {})})


def _joined(group: Table, model: Table) -> Table:
    """A model over its group: the model's own field wins, and so does a field of one of its tables."""
    tables = {name: {**group[name], **model[name]} for name in TABLES & group.keys() & model.keys()}
    return {**group, **model, **tables}


def _table(file: Traversable) -> Table:
    # Decimal: 1.1 credits are 1.1, not 1.100000000000000088.
    return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
