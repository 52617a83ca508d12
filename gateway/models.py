"""`/v1/models`: the models that can be ordered."""

from typing import Literal

from pydantic import BaseModel

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import ServicesOf
from gateway.openapi import problems
from providers.catalogue import ModelCard
from schemas.errors import Unauthenticated

router = customers_router("/v1/models", "models")


class ModelList(BaseModel):
    """The models with a configured provider, then the retired models with their successors."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


@router.get("", summary="List the models", responses=problems(Unauthenticated))
def list_models(services: ServicesOf, _customer: TheCustomer) -> ModelList:
    """Returns the capabilities, the defaults and the price of each model."""
    return ModelList(data=services.catalogue.models())
