"""The models that customers can order, and the way from a request to a priced order."""

import tomllib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from providers.models import (
    Capabilities,
    Defaults,
    Model,
    Price,
    Problem,
    RetiredModel,
    RouteEntry,
    UnknownSubmit,
)
from schemas.enums import CancelRule, Kind
from schemas.errors import InvalidRequest, ModelRetired
from schemas.names import ProviderName
from schemas.orders import GenerationRequest, Order, Route


class CatalogueFile(BaseModel):
    """The whole of `catalogue.toml`."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    models: list[Model]
    retired: list[RetiredModel]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        seen: set[str] = set()
        for entry in (*self.models, *self.retired):
            for name in (entry.name, *entry.aliases):
                if name in seen:
                    raise ValueError(f"two models answer to the name {name!r}")
                seen.add(name)
        orderable = {model.name for model in self.models}
        for entry in self.retired:
            if entry.successor not in orderable:
                raise ValueError(f"{entry.name}: its successor {entry.successor!r} is not a model")
        return self

    @classmethod
    @lru_cache
    def shipped(cls) -> Self:
        """The catalogue that comes with Reelworks, read once."""
        text = files("providers").joinpath("catalogue.toml").read_text(encoding="utf-8")
        # Decimal: 1.1 credits are 1.1, not 1.100000000000000088.
        return cls.model_validate(tomllib.loads(text, parse_float=Decimal))


class ModelCard(BaseModel):
    """A model as customers see it. A retired one has a date and a successor, and nothing to order."""

    name: str = Field(examples=["nano-banana"])
    kind: Kind
    title: str
    description: str
    aliases: list[str]
    capabilities: Capabilities | None = None
    defaults: Defaults | None = None
    price: Price | None = None
    retired_on: date | None = None
    successor: str | None = None


class Catalogue:
    """The models with at least one configured provider, and the retired ones."""

    def __init__(self, file: CatalogueFile, available: frozenset[ProviderName]) -> None:
        self._file = file
        self._by_name = {name: model for model in file.models for name in (model.name, *model.aliases)}
        self._retired = {name: model for model in file.retired for name in (model.name, *model.aliases)}
        self._routes = {
            model.name: routes
            for model in file.models
            if (routes := [entry for entry in model.routes if entry.provider in available])
        }

    @classmethod
    def load(cls, available: frozenset[ProviderName]) -> Self:
        """The shipped catalogue, for the providers that have a key."""
        return cls(CatalogueFile.shipped(), available)

    def models(self) -> list[ModelCard]:
        """What can be ordered, then what is retired."""
        return [
            *(_card(model) for model in self._file.models if model.name in self._routes),
            *(ModelCard(**model.model_dump()) for model in self._file.retired),
        ]

    def order(self, request: GenerationRequest) -> Order:
        """The complete, priced order for a request.

        Raises:
            InvalidRequest: no such model, none that is served here, or one that cannot do that; says what it can.
            ModelRetired: names the successor.
        """
        model = self._model(request.model)
        if problems := model.problems(request):
            wrong = "; ".join(f"{problem['field']} {problem['message']}" for problem in problems)
            raise InvalidRequest(f"{model.name} cannot do that: {wrong}", {"errors": problems})
        inputs = model.inputs(request)
        return Order(
            kind=model.kind,
            model=model.name,
            routes=[entry.route for entry in self._routes[model.name]],
            inputs=inputs,
            credits=model.price.of(inputs),
            file_extension=model.extension(inputs),
            deadline_seconds=request.deadline_seconds or model.deadline_seconds,
            metadata=request.metadata,
        )

    def unknown_submit(self, model: str, route: Route) -> UnknownSubmit:
        """The policy of a route for a create with unknown outcome; `fail` for one that is no longer listed."""
        entry = self._entry(model, route)
        return UnknownSubmit.FAIL if entry is None else entry.unknown_submit

    def cancel_rule(self, model: str, route: Route) -> CancelRule:
        """What cancelling begun work on a route costs; `impossible` for one that is no longer listed."""
        entry = self._entry(model, route)
        return CancelRule.IMPOSSIBLE if entry is None else entry.cancel

    def _entry(self, model: str, route: Route) -> RouteEntry | None:
        listed = self._by_name.get(model)
        entries: Iterable[RouteEntry] = listed.routes if listed else ()
        return next((entry for entry in entries if entry.route == route), None)

    def _model(self, name: str) -> Model:
        if retired := self._retired.get(name):
            raise ModelRetired(
                f"{name} was retired on {retired.retired_on}; its successor is {retired.successor}",
                {"retired_on": retired.retired_on.isoformat(), "successor": retired.successor},
            )
        model = self._by_name.get(name)
        if model is None:
            raise self._not_orderable(name, f"there is no model {name!r}")
        if model.name not in self._routes:
            raise self._not_orderable(name, f"no provider that is configured here serves the model {name!r}")
        return model

    def _not_orderable(self, name: str, reason: str) -> InvalidRequest:
        names = list(self._routes)
        close = get_close_matches(name, [known for known, model in self._by_name.items() if model.name in self._routes])
        if close:
            hint = f"did you mean {' or '.join(close)}?"
        else:
            hint = f"there are {', '.join(names)}" if names else "none can be ordered now"
        problem = Problem(field="model", message=reason, allowed=names)
        return InvalidRequest(f"{reason}; {hint}", {"errors": [problem]})


def _card(model: Model) -> ModelCard:
    return ModelCard(**model.model_dump(exclude={"routes", "deadline_seconds"}))
