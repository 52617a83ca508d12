"""Asks for a place at the provider account before a generation is prepared."""

from schemas.enums import ErrorCode
from schemas.orders import Order
from schemas.setting_groups import PipelineSettings
from storage.admission import Ask
from storage.claims import Claim
from storage.render_times import Work
from tasks.outcomes import Fail, Later, Outcome, Waits
from tasks.services import WorkerServices

# Where too few generations of a kind are known, all count alike.
_UNKNOWN_COST_SECONDS = 30.0


def admit(services: WorkerServices, claim: Claim) -> Outcome | None:
    """Ask for a place. None: the generation may go now."""
    now, start_by = claim.generation.claimed_at, claim.start_by
    if start_by is not None and now >= start_by:
        seconds = claim.order.start_within
        return Fail(ErrorCode.NOT_STARTED, f"no provider got it within the {seconds:g} s of `start_within`")
    not_before = claim.order.not_before
    if not_before is not None and now < not_before:
        return Later((not_before - now).total_seconds())
    provider = claim.route.provider
    if not services.gate.needs_place(provider):
        return None
    return None if services.gate.ask(claim, _ask(services, claim)) else Waits()


def _ask(services: WorkerServices, claim: Claim) -> Ask:
    route, order = claim.route, claim.order
    return Ask(
        provider=route.provider,
        pool=services.gate.pool_of(route.provider, route.model),
        vendor_model=route.model,
        priority=order.priority,
        may_use_reserve=order.may_use_reserve,
        cost=_cost(services, claim),
        flow=order.flow or "-",
        work_seconds=work_seconds(order, services.settings.pipeline),
        start_by=claim.start_by,
    )


def work_seconds(order: Order, pipeline: PipelineSettings) -> float | None:
    """The time for the work, which waiting does not use up. None: the deadline counts from acceptance."""
    if order.counts_from_acceptance:
        return None
    return order.deadline_seconds or pipeline.deadline_seconds


def _cost(services: WorkerServices, claim: Claim) -> float:
    """The expected seconds at the vendor."""
    work = Work(claim.order.model, claim.route.provider, claim.order.inputs.duration_seconds)
    usual = services.usual_times.of(work)
    return _UNKNOWN_COST_SECONDS if usual is None else max(0.1, (usual.p10_seconds + usual.p90_seconds) / 2)
