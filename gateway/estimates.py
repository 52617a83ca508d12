"""`POST /v1/estimate`: the price of an order, the models that could do it, and their usual times."""

from typing import Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.authentication import caller_for, customers_router, needs
from gateway.dependencies import ServicesOf
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import problems
from schemas.enums import Scope
from schemas.errors import ModelPaused, ModelRetired, NoSandbox, NotFound, Unauthenticated
from schemas.identity_api import HttpOrder
from schemas.orders import Order
from storage.estimates import UsualTime

router = customers_router("/v1/estimate", "generations")


class UsualSeconds(BaseModel):
    """The time from acceptance to the stored result, of the newest completed generations of a model."""

    p50: float = Field(description="half of them took no longer")
    p90: float = Field(description="nine of ten took no longer")
    sample: int = Field(description="the number of generations, up to 100")


class EstimatedModel(BaseModel):
    """A model that could make the same."""

    model: str
    """The model's name."""
    credits: int = Field(description="the price of all outputs with this model")
    usual_seconds: UsualSeconds | None = Field(description="null for a model that has completed nothing yet")


class EstimateResource(BaseModel):
    """The price of an order. Nothing is stored, and no credits are held."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "estimate",
                    "model": "nano-banana",
                    "credits": 4,
                    "number_of_outputs": 1,
                    "usual_seconds": {"p50": 8.2, "p90": 14.9, "sample": 100},
                    "models": [
                        {
                            "model": "nano-banana",
                            "credits": 4,
                            "usual_seconds": {"p50": 8.2, "p90": 14.9, "sample": 100},
                        },
                        {"model": "flux-schnell", "credits": 1, "usual_seconds": None},
                    ],
                }
            ]
        }
    )

    object: Literal["estimate"] = "estimate"
    """The type of this resource."""
    model: str = Field(description="the model that would serve the order now")
    credits: int = Field(description="the price that the order would hold now, of all outputs")
    number_of_outputs: int
    """The number of generations."""
    usual_seconds: UsualSeconds | None = Field(description="null for a model that has completed nothing yet")
    models: list[EstimatedModel] = Field(
        description="every model that could make the same from this request, in the order of the catalogue"
    )


@router.post(
    "",
    summary="Estimate an order",
    dependencies=[RequireJson],
    openapi_extra=needs(Scope.READ),
    responses=BODY_PROBLEMS | problems(Unauthenticated, NotFound, ModelRetired, ModelPaused, NoSandbox),
)
async def estimate(order: HttpOrder, request: Request, services: ServicesOf) -> EstimateResource:
    """Returns the price that the same body would hold at `POST /v1/generations`, and refuses what that would refuse.

    Files in `data:` URIs are not read. The credits and the cap of the key are not checked.
    """
    caller = await caller_for(request, order.customer_id)
    found = await services.intake.estimate(order.without_customer(), caller.payer)
    count, times = order.number_of_outputs, found.times
    models = [_model(one, count, times.get(one.model)) for one in found.able]
    chosen = _model(found.order, count, times.get(found.order.model))
    return EstimateResource(
        model=chosen.model,
        credits=chosen.credits,
        number_of_outputs=count,
        usual_seconds=chosen.usual_seconds,
        models=models,
    )


def _model(order: Order, count: int, usual: UsualTime | None) -> EstimatedModel:
    seconds = None
    if usual is not None:
        seconds = UsualSeconds(p50=round(usual.p50_seconds, 1), p90=round(usual.p90_seconds, 1), sample=usual.sample)
    return EstimatedModel(model=order.model, credits=order.credits * count, usual_seconds=seconds)
