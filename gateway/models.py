"""`/v1/models`: the models that can be ordered."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, Field

from gateway.authentication import Caller, TheCaller, customers_router
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.openapi import problems
from providers.catalogue import Catalogue, ModelCard
from providers.catalogue.models import Defaults
from schemas.errors import NotFound, Unauthenticated
from schemas.text import shown

router = customers_router("/v1/models", "models")


class DefaultsResource(Defaults):
    """The values of fields that an order omits, by the names of the order's fields."""

    generate_audio: bool | None = None
    """Whether a video has sound."""

    audio: bool | None = Field(
        default=None, description="the older name of `generate_audio`", json_schema_extra={"deprecated": True}
    )


class ModelResource(ModelCard):
    """A model. Only an active model can be ordered; a retired model names its successor."""

    object: Literal["model"] = "model"
    """The type of this resource."""
    id: str = Field(description="the same as `name`", examples=["nano-banana"])
    defaults: DefaultsResource | None = None
    """The values of fields that an order omits."""


class ModelList(BaseModel):
    """The models with a configured provider, then the retired models with their successors."""

    object: Literal["list"] = "list"
    data: list[ModelResource]


@router.get("", summary="List the models", responses=problems(Unauthenticated))
def list_models(services: ServicesOf, caller: TheCaller) -> ModelList:
    """Returns the capabilities, the defaults and the price of each model."""
    return ModelList(data=[_resource(card) for card in _catalogue(services, caller).models()])


ModelName = Annotated[str, Path(description="a name or an alias; the name may contain `/`", examples=["nano-banana"])]


@router.get("/{name:path}", summary="See a model", responses=problems(Unauthenticated, NotFound))
def get_model(name: ModelName, services: ServicesOf, caller: TheCaller) -> ModelResource:
    """Returns one model by its name or by an alias. A retired model has the name of its successor."""
    card = _catalogue(services, caller).card(name)
    if card is None:
        raise NotFound(f"there is no model `{shown(name)}`: GET /v1/models lists the names")
    return _resource(card)


def _catalogue(services: GatewayServices, caller: Caller) -> Catalogue:
    """The models that the caller's key can order."""
    return services.intake.catalogue_of(caller.payer)


def _resource(card: ModelCard) -> ModelResource:
    fields = dict(card)
    if card.defaults is not None:
        fields["defaults"] = DefaultsResource(**dict(card.defaults), generate_audio=card.defaults.audio)
    return ModelResource(**fields, id=card.name)
