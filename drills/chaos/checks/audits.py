"""Runs all checks after a run, and collects the known facts about each breach."""

from collections.abc import Sequence
from dataclasses import dataclass

from drills.chaos.checks import book, limits, timeline
from drills.chaos.checks.book import Breach, Entry
from drills.chaos.load import Tally
from drills.chaos.plans.orders import PlannedOrder
from drills.chaos.system import System
from sandbox.control_models import TaskReport
from storage.audit import audit

_TIMELINES = 10


@dataclass(frozen=True)
class Findings:
    """Both books at the end of a run, and the breaches."""

    ours: list[Entry]
    """Our generations."""
    theirs: list[TaskReport]
    """The vendor's tasks."""
    breaches: list[Breach]
    """The broken rules."""


def findings(system: System, tally: Tally, orders: Sequence[PlannedOrder]) -> Findings:
    """Run all checks."""
    theirs = system.sandbox.tasks()
    with system.objects() as objects:
        audited = audit(system.database, objects).breaches
    with system.database.transaction() as session:
        ours = book.entries(session)
        money = book.wrong_balances(session)
    keys = {order.number: order.key for order in orders}
    promised = {keys[number]: generation_id for number, generation_id in tally.accepted.items()}
    return Findings(
        ours,
        theirs,
        [
            *(Breach(breach.subject, f"{breach.problem} (audit, rule {breach.rule})") for breach in audited),
            *book.compare(ours, theirs),
            *book.unkept_promises(ours, promised),
            *book.unfinished(ours),
            *money,
            *limits.exceeded(limits.most_in_flight(theirs)),
            *(Breach("the gateway", strange) for strange in tally.strange),
            *(Breach(keys[number], "was not accepted by any attempt") for number in tally.given_up),
        ],
    )


def timelines(system: System, found: Findings) -> list[list[str]]:
    """The known facts about the first few breaches."""
    with system.database.transaction() as session:
        known = [
            list(timeline.lines(session, breach.subject, found.theirs, system.log_files))
            for breach in found.breaches[:_TIMELINES]
        ]
    return known + [[] for _ in found.breaches[_TIMELINES:]]
