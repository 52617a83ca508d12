"""The processor time of admission at the database: an ask that gets a place, an ask that waits, and a grant."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import text

from bench.figures.results import Measure, Outcome
from bench.instruments.meter import Meter
from bench.load.senders import place
from bench.running_stack import RunningStack, process_ids, running_stack
from bench.scenario import RunContext
from bench.subjects.reelworks import NAME as REELWORKS
from schemas.enums import Stage
from schemas.limits import AccountLimits, Priority
from schemas.names import ProviderName
from storage import admission, claims
from storage.admission import Ask
from storage.claims import Claim

WITH_ROOM, WAITS, GRANT = "ask with room", "ask that waits", "grant"

# As many as fal runs at once.
_EACH = 40
_LIMITS = AccountLimits(in_flight=_EACH)
_A_DAY = 86_400.0


def costs(context: RunContext, scenario: str) -> Outcome:
    """Measure the three. No worker runs: this process takes their place."""
    accounts = 2 if context.quick else 25
    count = accounts * _EACH
    with running_stack(context, only={"gateway"}) as running:
        place(running.door, 2 * count, senders=4)
        claimed = _claimed(running)
        free = [f"free{number}" for number in range(accounts)]
        full = [f"full{number}" for number in range(accounts)]
        _declare(running, dict.fromkeys(free, _LIMITS) | dict.fromkeys(full, AccountLimits(in_flight=0)))
        milliseconds = {
            WITH_ROOM: _server_time(running, free, lambda account: _ask(running, claimed.pop(), account)),
            WAITS: _server_time(running, full, lambda account: _ask(running, claimed.pop(), account)),
        }
        _declare(running, dict.fromkeys(full, _LIMITS))
        milliseconds[GRANT] = _server_time(running, full, lambda account: _grant(running, account))
    return Outcome(
        scenario=scenario,
        case="one decision",
        subject=REELWORKS,
        measures=[Measure(what=what, unit="ms", values=[value]) for what, value in milliseconds.items()],
        notes=[f"the processor time of PostgreSQL, in {count} calls of each kind, at accounts of {_EACH} places"],
    )


def _server_time(
    running: RunningStack, accounts: Sequence[ProviderName], call: Callable[[ProviderName], None]
) -> float:
    """Milliseconds of PostgreSQL's processor time for each call."""
    with Meter({"postgres": process_ids(running.stack)["postgres"]}) as meter:
        for account in accounts:
            for _ in range(_EACH):
                call(account)
    return 1000 * meter.use()[0].cpu_seconds[0] / (len(accounts) * _EACH)


def _declare(running: RunningStack, limits: Mapping[ProviderName, AccountLimits]) -> None:
    with running.database.statement() as sql:
        admission.declare(sql, limits)


def _claimed(running: RunningStack) -> list[Claim]:
    """Claims of all generations."""
    with running.database.statement() as sql:
        found = [
            claims.claim(sql, id_, {Stage.QUEUED}, attempt=attempt, lease_seconds=_A_DAY)
            for id_, attempt in _wakes(running)
        ]
    return [claim for claim in found if claim is not None]


def _wakes(running: RunningStack) -> list[tuple[UUID, int]]:
    """The generations, and the attempts of their next wake-ups."""
    with running.database.transaction() as session:
        return [(id_, attempt) for id_, attempt in session.execute(text("SELECT id, attempt FROM generations"))]


def _ask(running: RunningStack, claim: Claim, account: ProviderName) -> None:
    wanted = Ask(
        provider=account, pool="", vendor_model="a-model", priority=Priority.NORMAL, may_use_reserve=False, cost=10.0,
        flow="-", work_seconds=600.0, start_by=None,
    )  # fmt: skip
    with running.database.statement() as sql:
        admission.ask(sql, claim, wanted, longest_wait=_A_DAY, most=20, wake_in=10)


def _grant(running: RunningStack, account: ProviderName) -> None:
    with running.database.statement() as sql:
        admission.grant(sql, account, most=1, wake_in=10)
