"""Asks for a place at the provider account before a generation is prepared."""

from schemas.enums import ErrorCode, EventName
from schemas.orders import Order, Route
from schemas.setting_groups import PipelineSettings
from storage import transitions
from storage.admission import Ask
from storage.admission_places import UNKNOWN_SECONDS
from storage.claims import Claim
from storage.render_times import Work
from tasks.outcomes import Fail, Later, Note, Outcome, TakesRoute, Waits
from tasks.services import WorkerServices


def admit(services: WorkerServices, claim: Claim) -> Outcome | None:
    """Ask for a place. None: the generation may go now."""
    now, start_by = claim.generation.claimed_at, claim.start_by
    if start_by is not None and now >= start_by:
        seconds = claim.order.start_within
        return Fail(ErrorCode.NOT_STARTED, f"no provider got it within the {seconds:g} s of `start_within`")
    not_before = claim.order.not_before
    if not_before is not None and now < not_before:
        return Later((not_before - now).total_seconds())
    if (change := _change_of_route(services, claim)) is not None:
        return change
    if not (services.gate.needs_place(claim.route) or services.gate.limits(claim.generation.customer_id)):
        return None
    return None if services.gate.ask(claim, _ask(services, claim)) else Waits()


def _change_of_route(services: WorkerServices, claim: Claim) -> TakesRoute | Fail | None:
    """Another route than the present one, if another is better now. None: the present one stays."""
    choice = services.routes.choose(claim, lambda route: _usual_seconds(services, claim, route))
    if choice is None:
        return Fail(ErrorCode.COST_ABOVE_PRICE, "the provider's price has risen above the price of the order")
    if skipped := [each for each in choice.too_dear if each.route != claim.route]:
        dear = skipped[0]
        told = {"to": dear.route.model_dump(), "cost": dear.cost, "price": claim.order.credits}
        with services.database.statement() as sql:
            transitions.note_once(sql, claim.id, EventName.ROUTE_SKIPPED, told)
    if choice.why is None:
        return None
    route = claim.order.routes[choice.index]
    change = {"from": claim.route.model_dump(), "to": route.model_dump(), "route": choice.index, "reason": choice.why}
    return TakesRoute(choice.index, Note(EventName.ROUTE_CHANGED, change))


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
    usual = _usual_seconds(services, claim, claim.route)
    return UNKNOWN_SECONDS if usual is None else max(0.1, usual)


def _usual_seconds(services: WorkerServices, claim: Claim, route: Route) -> float | None:
    """The usual seconds of such work at a route. None: too few generations are known."""
    usual = services.usual_times.of(Work(claim.order.model, route.provider, claim.order.inputs.duration_seconds))
    return None if usual is None else (usual.p10_seconds + usual.p90_seconds) / 2
