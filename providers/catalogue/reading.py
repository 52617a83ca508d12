"""Reads the catalogue's files: `makers/` has a file for each maker, and `catalogue.toml` has the order of all models.

A model can name a group of its file. The model inherits the group's fields, and its own fields override them.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from providers.catalogue.models import Family, Model, RetiredModel, Style
from providers.catalogue.names import parts
from providers.catalogue.previews import Previews
from providers.catalogue.prices import Currency, Exchange, KnownCost

Table = dict[str, Any]

TABLES = frozenset({"capabilities", "defaults", "price", "costs"})
"""The tables of a model that inherit single fields from the group's table."""


class CatalogueFile(BaseModel):
    """The whole catalogue, from all its files. Validation fails if two entries contradict each other."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    credit_dollars: Annotated[Decimal, Field(gt=0)]
    """What one credit is worth."""

    currencies: list[Currency] = []
    """The units of vendors that do not bill in dollars."""

    models: list[Model]
    """The active and paused models. For an order without a model, the first one that can serve it does."""

    retired: list[RetiredModel]
    """The models that no vendor serves any more."""

    families: list[Family] = []
    """Names for groups of models. The first family of the wanted kind that a name fits decides."""

    tiers: list[str] = []
    """Words that may follow a family's name, beside versions."""

    styles: list[Style] = []
    """The visual styles that customers order by name."""

    previews: Previews | None = None
    """The models that make previews of videos. None: no model does."""

    def models_by_name(self) -> Mapping[str, Model]:
        """The active and paused models by name and alias."""
        return {name: model for model in self.models for name in (model.name, *model.aliases)}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        seen: dict[tuple[str, ...], str] = {}
        active = {model.name for model in self.models if model.paused_on is None}
        entries: list[Model | RetiredModel] = [*self.models, *self.retired]
        for entry in entries:
            for name in (entry.name, *entry.aliases):
                if seen.setdefault(parts(name), entry.name) != entry.name:
                    raise ValueError(f"two models answer to the name {name!r}")
            if entry.successor is not None and entry.successor not in active:
                raise ValueError(f"{entry.name}: its successor {entry.successor!r} is not a model that can be ordered")
        names = {model.name for model in self.models}
        for model in self.models:
            if unknown := set(model.capabilities.extends) - names:
                raise ValueError(f"{model.name}: there is no model {sorted(unknown)} to go on from")
        for model in self.models:
            for cost in model.costs.values():
                if isinstance(cost, KnownCost) and not self.exchange().knows(cost.currency):
                    raise ValueError(f"{model.name}: catalogue.toml has no currency {cost.currency!r}")
        for family in self.families:
            if unknown := set(family.models) - names:
                raise ValueError(f"{family.patterns}: there is no model {sorted(unknown)}")
            if family.successor is not None and family.successor not in active:
                raise ValueError(f"{family.patterns}: the successor {family.successor!r} cannot be ordered")
            if len({model.kind for model in self.models if model.name in family.models}) > 1:
                raise ValueError(f"{family.patterns}: a family has models of one kind")
        if self.previews is not None:
            self.previews.check({model.name: model for model in self.models})
        return self

    def exchange(self) -> Exchange:
        """What each currency is worth."""
        return Exchange(self.credit_dollars, self.currencies)

    @classmethod
    @lru_cache
    def shipped(cls) -> Self:
        """The catalogue in this package. Cached."""
        return cls.model_validate(read_folder(files("providers.catalogue")))


class _MakersModel(BaseModel):
    """A model in a maker's file. `Model` validates its other fields after the group's fields are added."""

    model_config = ConfigDict(strict=True, extra="allow")

    name: str
    group: str | None = None


class _MakersFile(BaseModel):
    """A file of `makers/`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    maker: str
    groups: dict[str, Table] = {}
    models: list[_MakersModel]


def read_folder(folder: Traversable) -> Table:
    """Reads the files of a catalogue into one table for `CatalogueFile`.

    Raises:
        ValueError: a file has the wrong structure, the order and the makers' files name different models, or a model
            names a group that its file does not have.
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
    """The models of a maker, each with the fields of its group."""
    try:
        file = _MakersFile.model_validate(_table(maker))
    except ValidationError as error:
        raise ValueError(f"{maker.name}: {error}") from None
    for model in file.models:
        if model.group is not None and model.group not in file.groups:
            raise ValueError(f"{maker.name}: {model.name} names the group {model.group!r}; there are {[*file.groups]}")
        fields = {"name": model.name, "maker": file.maker, **(model.model_extra or {})}
        yield _joined(file.groups.get(model.group or "", {}), fields)


def _joined(group: Table, model: Table) -> Table:
    """A model with its group's fields. The model's fields override the group's, in the tables too."""
    tables = {name: {**group[name], **model[name]} for name in TABLES & group.keys() & model.keys()}
    return {**group, **model, **tables}


def _table(file: Traversable) -> Table:
    # Decimal: 1.1 credits are 1.1, not 1.100000000000000088.
    return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
