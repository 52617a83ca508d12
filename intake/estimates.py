"""Converts the estimate of an order to its API resource, for every door."""

from intake.orders import Estimate
from schemas.estimate_api import EstimatedModel, EstimateResource, UsualSeconds
from schemas.orders import Order
from storage.estimates import UsualTime


def estimate_resource(found: Estimate, number_of_outputs: int) -> EstimateResource:
    """The API resource of an estimate."""
    times = found.times
    chosen = _model(found.order, number_of_outputs, times.get(found.order.model))
    return EstimateResource(
        model=chosen.model,
        credits=chosen.credits,
        number_of_outputs=number_of_outputs,
        usual_seconds=chosen.usual_seconds,
        models=[_model(one, number_of_outputs, times.get(one.model)) for one in found.able],
    )


def _model(order: Order, count: int, usual: UsualTime | None) -> EstimatedModel:
    seconds = None
    if usual is not None:
        seconds = UsualSeconds(p50=round(usual.p50_seconds, 1), p90=round(usual.p90_seconds, 1), sample=usual.sample)
    return EstimatedModel(model=order.model, credits=order.credits * count, usual_seconds=seconds)
