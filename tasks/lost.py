"""Work that a server of our own lost: it runs again, or fails unpaid, as its route says (docs/decisions/0063).

A server tells that it lost the work, or no read finds the work for `lost_after_seconds`. Work at a vendor that bills
never runs again: two runs would be two bills.
"""

from dataclasses import replace

import structlog

from metrics.families import RUNS_LOST
from providers.catalogue.models import WhenLost
from schemas.enums import ErrorCode, Stage
from schemas.provider_errors import ProviderError, ProviderWorkAbsent
from storage.changes import Changes
from storage.claims import Claim
from tasks.outcomes import Advance, Cancel, Fail
from tasks.services import WorkerServices
from tasks.timing import backoff

log = structlog.get_logger()

_AGAIN = "the server that worked on it was lost; the generation runs again"
_TOLD = "the server has lost the work"


def told_lost(services: WorkerServices, claim: Claim, *, has_begun: bool) -> Advance | Cancel | Fail:
    """The outcome of work that its server says it lost. The server answers, so it may run the work again."""
    return _after(services, claim, _TOLD, is_away=False, has_begun=has_begun)


def is_lost(services: WorkerServices, claim: Claim) -> bool:
    """Whether a failed read makes the silence at a server of our own so long that its work is lost."""
    limit = services.providers.lost_after_seconds(claim.generation.provider)
    return limit is not None and claim.silent_seconds >= limit


def silent(services: WorkerServices, claim: Claim, error: ProviderError) -> Advance | Cancel | Fail:
    """The outcome of work that no read has found for too long.

    Args:
        error: the error of the newest read. It tells whether the server itself answers.
    """
    seconds = f"{claim.silent_seconds:.0f} s"
    if isinstance(error, ProviderWorkAbsent):
        return _after(
            services, claim, f"the server answers, and no read has found the work for {seconds}", is_away=False
        )
    outcome = _after(services, claim, f"the server has answered no read for {seconds}", is_away=True)
    # The server may be cut off alone, and work on.
    is_stopped_later = services.providers.stops_own_work(claim.generation.provider)
    return replace(outcome, leaves_run=claim.generation.remote_id if is_stopped_later else None)


def never_told(services: WorkerServices, claim: Claim) -> Advance | Fail | None:
    """The outcome of a create at a server of our own that never said whether it has the work. None: a vendor bills it.

    Our id of the run stays: a server that has it after all answers the next create with that run.
    """
    if not services.providers.bills_nothing(claim.generation.provider):
        return None
    reason = "the server did not say whether it had the work"
    RUNS_LOST.add(claim.generation.provider)
    return _again(services, claim, reason, is_away=True) or _failed(claim, ErrorCode.SUBMIT_OUTCOME_UNKNOWN, reason)


def _after(
    services: WorkerServices, claim: Claim, reason: str, *, is_away: bool, has_begun: bool = True
) -> Advance | Cancel | Fail:
    told = {"provider": claim.generation.provider, "remote_id": claim.generation.remote_id}
    log.warning("work_lost", reason=reason, **told)
    RUNS_LOST.add(claim.generation.provider)
    if claim.generation.cancel_requested_at is not None:
        return Cancel("the server lost it before it stopped")
    again = _again(services, claim, reason, is_away=is_away, has_begun=has_begun)
    return again or _failed(claim, ErrorCode.WORK_LOST, reason)


def _again(
    services: WorkerServices, claim: Claim, reason: str, *, is_away: bool, has_begun: bool = True
) -> Advance | None:
    """The next run. None: the work is not to run again.

    A run that only waited does not count: other work ended its server. It asks again after a pause that grows.
    """
    times = len(claim.generation.lost_runs) + 1
    runs = _begun(claim) + has_begun
    is_wanted = services.catalogue.when_lost(claim.order.model, claim.route) is WhenLost.AGAIN
    bills_nothing = services.providers.bills_nothing(claim.generation.provider)
    if not (is_wanted and bills_nothing) or runs >= services.settings.pipeline.most_runs:
        return None
    index = _next_route(services, claim, is_away=is_away)
    return Advance(
        Stage.QUEUED,
        wait=0.0 if has_begun else backoff(services.settings.pipeline, times - runs),
        event={
            "message": _AGAIN,
            "reason": reason,
            "times": times,
            "route": claim.generation.route_index,
            "next_route": index,
            "provider": claim.generation.provider,
            "remote_id": claim.generation.remote_id,
        },
        changes=Changes(
            loses_run=True,
            lost_unbegun=not has_begun,
            failures=0,
            crashes=0,
            route_index=index,
            provider=claim.order.routes[index].provider,
        ),
    )


def _begun(claim: Claim) -> int:
    """The lost runs that had begun, as far as their servers said."""
    return sum(run.get("began", True) is True for run in claim.generation.lost_runs)


def _next_route(services: WorkerServices, claim: Claim, *, is_away: bool) -> int:
    """The route of the next run: another healthy server of our own, else a healthy vendor if the server is away.

    A server that answers has begun anew: the work goes back there before a vendor is paid for it.
    """
    present, routes = claim.generation.route_index, claim.order.routes
    others = [*range(present + 1, len(routes)), *range(present)]
    healthy = [
        index
        for index in others
        if not claim.generation.routes_given_up >> index & 1
        and not services.health.is_open(routes[index])
        and not services.gate.is_shut(routes[index].provider)
    ]
    own = [index for index in healthy if services.providers.bills_nothing(routes[index].provider)]
    return next(iter([*own, *(healthy if is_away else [])]), present)


def _failed(claim: Claim, code: ErrorCode, reason: str) -> Fail:
    runs = _begun(claim) + 1
    return Fail(code, reason if runs == 1 else f"{reason}; that was run {runs}")
