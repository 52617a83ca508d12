"""`/openai/v1/models`: the models that can be ordered, as OpenAI's clients list them."""

from typing import Annotated, Literal

from fastapi import Path, Request
from pydantic import BaseModel, Field

from gateway.authentication import customers_router
from gateway.dependencies import ServicesOf
from gateway.openai.errors import openai_errors
from gateway.openai.names import named_models
from gateway.openai.ordering import catalogue_of
from providers.catalogue import ModelCard
from schemas.enums import Door, Kind
from schemas.errors import NotFound
from schemas.text import shown

router = customers_router("/openai/v1/models", Door.OPENAI)


class OpenaiModel(BaseModel):
    """A model."""

    id: str = Field(description="the value of `model` in an order")
    object: Literal["model"] = "model"
    """The type of this resource."""
    created: int = Field(default=0, description="0: the catalogue does not say when a model came")
    owned_by: str = Field(default="reelworks", description="`reelworks`")
    kind: Kind
    """Image or video."""
    title: str
    """The name for people."""
    stands_for: str = Field(description="the model that makes the result, by its name of GET /v1/models")


class OpenaiModelList(BaseModel):
    """The models."""

    object: Literal["list"] = "list"
    """The type of this resource."""
    data: list[OpenaiModel]
    """The models."""


@router.get("", summary="List the models")
def list_models(request: Request, services: ServicesOf) -> OpenaiModelList:
    """Returns the names that an order can have. `GET /v1/models` has the capabilities and the prices."""
    known = named_models(catalogue_of(request), services.settings.openai.models)
    return OpenaiModelList(data=[_resource(name, card) for name, card in known])


ModelName = Annotated[str, Path(description="a name or an alias; the name may contain `/`", examples=["nano-banana"])]


@router.get("/{name:path}", summary="See a model", responses=openai_errors(NotFound))
def get_model(name: ModelName, request: Request, services: ServicesOf) -> OpenaiModel:
    """Returns one model by its name or by an alias."""
    card = catalogue_of(request).card(services.settings.openai.models.get(name, name))
    if card is None or card.status == "retired":
        raise NotFound(f"there is no model `{shown(name)}`: GET /openai/v1/models lists the names")
    return _resource(name, card)


def _resource(name: str, card: ModelCard) -> OpenaiModel:
    return OpenaiModel(id=name, kind=card.kind, title=card.title, stands_for=card.name)
