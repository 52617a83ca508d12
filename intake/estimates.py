"""The estimate of an order, and its API resource for every door."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.estimate_api import EstimatedModel, EstimateResource, UsualSeconds
from schemas.orders import Order
from storage.estimates import UsualTime


@dataclass(frozen=True)
class Estimate:
    """What an order would cost, and how long it would take."""

    order: Order
    """The order of one output."""
    able: Sequence[Order]
    """The order with each model that could make the same."""
    times: Mapping[str, UsualTime]
    """The usual times, by model."""
    waits: Mapping[str, float | None]
    """The expected seconds until a provider gets it, by model. None: not known."""
    video: Order | None = None
    """The order of the video that would be made from a preview. None: the order is no preview."""


def estimate_resource(found: Estimate, number_of_outputs: int) -> EstimateResource:
    """The API resource of an estimate."""
    chosen = _model(found.order, found, number_of_outputs)
    return EstimateResource(
        model=chosen.model,
        credits=chosen.credits,
        number_of_outputs=number_of_outputs,
        usual_seconds=chosen.usual_seconds,
        expected_wait_seconds=chosen.expected_wait_seconds,
        models=[_model(one, found, number_of_outputs) for one in found.able],
        preview_of=None if found.video is None else _model(found.video, found, number_of_outputs),
    )


def _model(order: Order, found: Estimate, count: int) -> EstimatedModel:
    usual, wait = found.times.get(order.model), found.waits.get(order.model)
    seconds = None
    if usual is not None:
        seconds = UsualSeconds(p50=round(usual.p50_seconds, 1), p90=round(usual.p90_seconds, 1), sample=usual.sample)
    return EstimatedModel(
        model=order.model,
        credits=order.credits * count,
        usual_seconds=seconds,
        expected_wait_seconds=None if wait is None else round(wait, 1),
    )
