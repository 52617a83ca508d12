"""`/v1/models`: what can be ordered here."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from gateway.authentication import TheCustomer
from gateway.dependencies import ServicesOf
from gateway.openapi import problems
from providers.catalogue import ModelCard
from schemas.errors import Unauthenticated

router = APIRouter(prefix="/v1/models", tags=["models"])


class ModelList(BaseModel):
    """The models with a provider here, then the retired ones with their successors."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


@router.get("", summary="List the models", responses=problems(Unauthenticated))
def list_models(services: ServicesOf, _customer: TheCustomer) -> ModelList:
    """Says of each model what it can do, what it does by default, and what it costs."""
    return ModelList(data=services.catalogue.models())
