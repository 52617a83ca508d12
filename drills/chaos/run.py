"""A run: start the system, send orders and faults, stop the faults, wait, and audit."""

import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from redis import Redis
from redis.exceptions import RedisError
from rich.console import Console
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from drills.chaos.checks import audits, book, figures, limits, logs, told
from drills.chaos.checks.audits import Findings
from drills.chaos.checks.book import Breach
from drills.chaos.checks.recoveries import Recoveries, recoveries
from drills.chaos.checks.told import Listened
from drills.chaos.customers import make_customers
from drills.chaos.faults import Injector, Record
from drills.chaos.listeners.consumer import Consumer, consuming
from drills.chaos.listeners.endpoints import register
from drills.chaos.listeners.receiver import receiving
from drills.chaos.load import Load, Tally
from drills.chaos.plans.orders import Door
from drills.chaos.plans.plan import CUSTOMERS, Plan
from drills.chaos.plans.schedule import KILLS, FaultKind, LinkName
from drills.chaos.plans.vendors import usual_scenarios
from drills.chaos.progress import ProgressLine
from drills.chaos.report import BreachFound, Counted, Orders, Report, Told
from drills.chaos.stranger import Stranger, counted
from drills.chaos.system import WEBHOOK_SECONDS, Keeper, System, running
from schemas.enums import Queue
from workers.roles import Role

# Beyond the last deadline, for the worker that notices the deadline, and for the last messages. The wait ends once
# everything has settled.
_SETTLE_MARGIN_SECONDS = 300.0
_QUIET_SECONDS = 2.0
_LOOK_EVERY_SECONDS = 0.5

_COUNTS = text("""
    SELECT count(*), count(*) FILTER (WHERE wake_at IS NOT NULL),
        (SELECT count(*) FROM webhook_deliveries WHERE state = 'pending'),
        (SELECT coalesce(max(id), 0) FROM events WHERE origin IS DISTINCT FROM stage)
    FROM generations
""")

_WAITED = text("SELECT count(DISTINCT generation_id) FROM events WHERE name = 'waits'")


def run(plan: Plan, folder: Path, console: Console, *, is_attacked: bool = True) -> Report:
    """Run a plan. The folder then holds the logs and the data.

    Args:
        is_attacked: a stranger attacks the doors all along.
    """
    began = time.monotonic()
    with ExitStack() as ends:
        with console.status("starting the system"):
            inbox = ends.enter_context(receiving(plan.seed, hang_seconds=2 * WEBHOOK_SECONDS))
            system = ends.enter_context(running(folder, plan.pipeline, receiver_port=inbox.port))
            keeper = ends.enter_context(Keeper(system))
            consumer = ends.enter_context(consuming(system.direct.redis_url))
        listened = Listened(inbox, consumer, make_customers(system, CUSTOMERS))
        register(system, inbox, listened.customers)
        stranger = Stranger(system, plan.seed) if is_attacked else None
        records, tally = _trouble(plan, system, listened, stranger, console)
        with console.status("auditing"):
            wrong, moves = figures.breaches(system, most_lost=_most_lost(system, records))
            found = audits.findings(system, tally, plan.orders)
            found.breaches.extend(wrong)
            found.breaches.extend(logs.crashes(system.log_files))
            found.breaches.extend(told.breaches(system, listened, found.ours, plan.orders))
            recovered = recoveries(records)
            found.breaches.extend(_slow_recoveries(plan, recovered))
            timelines = audits.timelines(system, found)
        return Report(
            seed=plan.seed,
            minutes=plan.minutes,
            digest=plan.digest,
            replay=plan.replay,
            wall_seconds=round(time.monotonic() - began, 1),
            load_average=round(os.getloadavg()[1], 1),
            cores=os.cpu_count() or 1,
            faults=Counter(record.fault.kind for record in records if record.happened),
            missed_faults=Counter(record.fault.kind for record in records if not record.happened),
            vendor_faults=_vendor_faults(plan, found),
            orders=_orders(plan, tally),
            outcomes=Counter(f"{entry.stage} {entry.error_code or ''}".strip() for entry in found.ours),
            most_in_flight=limits.most_in_flight(found.theirs),
            waited=_waited(system),
            told=_told(listened),
            counted=Counted(moves=moves.in_database, by_the_killed=moves.by_the_killed, not_counted=moves.not_counted),
            attacks=counted(stranger),
            recoveries=recovered,
            unplanned_deaths=_unplanned_deaths(keeper, records, system),
            log_errors=logs.errors(system.log_files),
            undelivered=book.undelivered(found.ours, found.theirs),
            unlucky=_unlucky(plan, found),
            breaches=[
                BreachFound(subject=breach.subject, problem=breach.problem, timeline=lines)
                for breach, lines in zip(found.breaches, timelines, strict=True)
            ],
        )


def _trouble(
    plan: Plan,
    system: System,
    listened: Listened,
    stranger: Stranger | None,
    console: Console,
) -> tuple[list[Record], Tally]:
    """Send orders, faults and attacks at the same time, then wait until everything has settled."""
    for scenario in usual_scenarios():
        system.sandbox.add_scenario(scenario)
    load = Load(system, plan.orders, listened.customers, deadline_seconds=plan.deadline_seconds)
    injector = Injector(system, plan.faults)
    with ProgressLine(console, seconds=plan.minutes * 60) as progress, ExitStack() as ends:
        ends.callback(load.abandon)
        ends.callback(injector.abandon)
        if stranger is not None:
            ends.callback(stranger.finish)
            stranger.start()
        began = time.monotonic()
        load.start(began)
        injector.start(began)
        while injector.is_running() or load.is_running():
            time.sleep(_LOOK_EVERY_SECONDS)
            progress.show(_state("breaking", injector, load, system), seconds=time.monotonic() - began)
        injector.finish()
        load.finish()
        if stranger is not None:
            stranger.finish()
        settled_by = time.monotonic() + plan.deadline_seconds + _SETTLE_MARGIN_SECONDS
        while not _is_settled(system, listened.consumer) and time.monotonic() < settled_by:
            progress.show(_state("settling", injector, load, system), seconds=time.monotonic() - began)
    return injector.records, load.tally


def _state(what: str, injector: Injector, load: Load, system: System) -> str:
    counts = _counts(system)
    rows = "PostgreSQL is away"
    if counts is not None:
        rows = f"{counts.generations} generations, {counts.unfinished} unfinished, {counts.webhooks_waiting} webhooks"
    happened = sum(record.happened for record in list(injector.records))
    return f"{what}: {happened} faults, {len(load.tally.accepted)} accepted, {rows}"


def _is_settled(system: System, consumer: Consumer) -> bool:
    """Whether nothing is unfinished, Redis holds no order, and all are told."""
    before = _counts(system)
    time.sleep(_QUIET_SECONDS)
    after = _counts(system)
    if after is None or after != before or after.unfinished or after.webhooks_waiting:
        return False
    return after.last_event in consumer.heard and _requests_in_redis(system) == 0


@dataclass(frozen=True)
class _Counts:
    generations: int
    unfinished: int
    webhooks_waiting: int
    last_event: int


def _counts(system: System) -> _Counts | None:
    """The present counts. None while PostgreSQL is away."""
    try:
        with system.database.transaction() as session:
            return _Counts(*session.execute(_COUNTS).one())
    except OperationalError:
        return None


def _waited(system: System) -> int:
    """The generations that waited for a place at their provider account."""
    with system.database.transaction() as session:
        return int(session.execute(_WAITED).scalar_one())


def _requests_in_redis(system: System) -> int | None:
    try:
        with Redis.from_url(system.direct.redis_url) as redis:
            return int(redis.llen(Queue.REQUESTS.value))
    except RedisError:
        return None


def _slow_recoveries(plan: Plan, found: Recoveries) -> list[Breach]:
    if plan.recovery_seconds is None:
        return []
    return [
        Breach(
            "recovery",
            f"took {kill.slowest_seconds} s after {kill.target} was killed at {kill.at} s and nothing else was wrong; "
            f"at most are {plan.recovery_seconds:g} s",
        )
        for kill in found.kills
        if not kill.meanwhile and kill.slowest_seconds > plan.recovery_seconds
    ]


def _vendor_faults(plan: Plan, found: Findings) -> Counter[str]:
    """The vendors' faults of the orders that became generations."""
    became = {entry.key for entry in found.ours}
    return Counter(order.vendor_fault for order in plan.orders if order.vendor_fault and order.key in became)


def _unlucky(plan: Plan, found: Findings) -> dict[str, list[UUID]]:
    """Failures without a vendor's fault: those of the faults between us and the vendor."""
    doomed = {order.key for order in plan.orders if order.is_doomed}
    ids: dict[str, list[UUID]] = {}
    for entry in found.ours:
        if entry.error_code is not None and entry.key not in doomed:
            ids.setdefault(entry.error_code, []).append(entry.id)
    return ids


def _told(listened: Listened) -> Told:
    consumer, inbox = listened.consumer, listened.inbox
    return Told(
        on_the_stream=len(consumer.heard),
        repeated_on_the_stream=consumer.repeated,
        groups_made=consumer.groups_made,
        by_webhook=len({(receipt.path, receipt.message_id) for receipt in inbox.taken}),
        webhook_tries=inbox.ways,
        repeated_by_webhook=told.repeated(inbox.taken),
    )


def _most_lost(system: System, records: Sequence[Record]) -> int:
    """The most acknowledgements of commits that faults took from workers: one for each connection that broke."""
    link = system.links[LinkName.WORKERS_POSTGRES]
    crashes = sum(record.happened and record.fault.kind is FaultKind.POSTGRES_CRASH for record in records)
    return link.commits_lost + link.resets + crashes * link.most_open


def _orders(plan: Plan, tally: Tally) -> Orders:
    door_of = {order.number: order.door for order in plan.orders}
    accepted = Counter(door_of[number] for number in tally.accepted)
    return Orders(
        accepted_over_http=accepted[Door.HTTP],
        accepted_over_redis=accepted[Door.REDIS],
        refused=tally.refused,
        given_up=len(tally.given_up),
        sent_again=tally.sent_again,
        cancels=tally.cancels,
    )


def _unplanned_deaths(keeper: Keeper, records: Sequence[Record], system: System) -> dict[str, int]:
    """Processes that ended without a kill."""
    kills = Counter(
        system.process(record.fault.target).name
        for record in records
        if record.happened and record.fault.kind in KILLS and record.fault.target not in set(Role)
    )
    return dict(logs.unplanned_worker_deaths(system.log_files) + (keeper.restarts - kills))
