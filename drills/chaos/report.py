"""The results of a run, for people and for programs."""

import statistics
from collections.abc import Mapping
from uuid import UUID

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from drills.chaos.checks.recoveries import Recoveries


class Orders(BaseModel):
    """The orders of a run."""

    accepted_over_http: int
    """Orders accepted over HTTP."""
    accepted_over_redis: int
    """Orders accepted over Redis."""
    refused: dict[str, int]
    """Refused orders, by reason."""
    given_up: int
    """Orders that no attempt delivered."""
    sent_again: dict[str, int]
    """Orders sent again, by reason."""
    cancels: dict[str, int]
    """Answers to cancels, by status."""


class Told(BaseModel):
    """What the listeners of a run were told."""

    on_the_stream: int
    """Events of the stream."""
    repeated_on_the_stream: int
    """Entries of the stream whose event was known."""
    groups_made: int
    """How often the consumer made its group: once, and after each loss of the stream."""
    by_webhook: int
    """Messages that the receiver of webhooks took."""
    webhook_tries: dict[str, int]
    """The tries of all messages, by the receiver's answer."""
    repeated_by_webhook: int
    """Messages that the receiver took once more."""


class Counted(BaseModel):
    """The moves of generations by those who know of them."""

    moves: int
    """Moves in the timelines, by workers."""
    by_the_killed: int
    """Moves of processes that are gone with their counters."""
    not_counted: int
    """Moves of living processes that no counter has: a fault took the acknowledgement."""


class BreachFound(BaseModel):
    """A broken rule, with the known facts about its generation."""

    subject: str
    """The generation's id, or another name of the subject."""
    problem: str
    """The error, as text."""
    timeline: list[str]
    """The known facts, a line each."""


class Report(BaseModel):
    """The report of a run."""

    seed: int
    """The seed."""
    minutes: float
    """The length of the load."""
    digest: str
    """The hash of the plan."""
    wall_seconds: float
    """The length of the run."""
    load_average: float
    """The machine's load average of the last five minutes. Above `cores` the machine was overloaded."""
    cores: int
    """The machine's cores."""
    faults: dict[str, int]
    """Injected faults, by kind."""
    missed_faults: dict[str, int]
    """Planned faults that were not injected: the target was away, or there was no commit."""
    vendor_faults: dict[str, int]
    """Vendors' faults, by kind."""
    orders: Orders
    """The orders."""
    outcomes: dict[str, int]
    """Generations, by end."""
    most_in_flight: dict[str, int]
    """The most tasks that each vendor had at once."""
    waited: int
    """Generations that waited for a place at their provider account."""
    told: Told
    """What the listeners were told."""
    counted: Counted
    """The moves in the timelines and in the counters of the processes."""
    attacks: dict[str, int]
    """The stranger's attacks, by door, and those that a fault cut. Empty: no stranger attacked."""
    recoveries: Recoveries
    """Recoveries from kills."""
    unplanned_deaths: dict[str, int]
    """Processes that ended without a kill, with the exit code."""
    log_errors: dict[str, int]
    """Events of the level error in the logs."""
    undelivered: dict[str, int]
    """Creates that the vendor accepted and whose customer has no result, by reason."""
    unlucky: dict[str, list[UUID]]
    """Generations that failed without a vendor's fault, by error code."""
    breaches: list[BreachFound]
    """The broken rules."""
    replay: str
    """The command that repeats the run."""


def show(report: Report, console: Console) -> None:
    """Print a report."""
    console.print(_table("faults", report.faults, missed=report.missed_faults))
    console.print(_table("vendor's faults", report.vendor_faults))
    console.print(_table("generations", report.outcomes))
    _show_orders(report.orders, console)
    _show_told(report.told, console)
    console.print(
        f"most in flight: {_words(report.most_in_flight)}; waited for a place: {report.waited}", soft_wrap=True
    )
    _show_counted(report.counted, console)
    console.print(f"attacks: {_words(report.attacks)}", soft_wrap=True)
    _show_recoveries(report.recoveries, console)
    console.print(f"paid and not delivered: {_words(report.undelivered)}", soft_wrap=True)
    unlucky = {code: len(ids) for code, ids in report.unlucky.items()}
    console.print(f"failures without a fault of the vendor: {_words(unlucky)}", soft_wrap=True)
    console.print(f"unplanned deaths: {_words(report.unplanned_deaths)}", soft_wrap=True)
    console.print(f"errors in the logs: {_words(report.log_errors)}", soft_wrap=True)
    for breach in report.breaches:
        console.print(f"[red]breach[/red] {breach.subject}: ", end="")
        console.print(breach.problem, markup=False, soft_wrap=True)
        for line in breach.timeline:
            console.print(f"    {line}", markup=False, highlight=False, soft_wrap=True)
    colour, verdict = ("red", f"{len(report.breaches)} breaches") if report.breaches else ("green", "no breach")
    console.print(f"[{colour}]{verdict}[/{colour}] in {report.wall_seconds:.0f} s; schedule {report.digest}")
    console.print(f"the machine's load average was {report.load_average} on {report.cores} cores")
    console.print(f"replay: {report.replay}")


def _show_orders(orders: Orders, console: Console) -> None:
    console.print(
        f"orders: {orders.accepted_over_http} accepted over HTTP, {orders.accepted_over_redis} over Redis; "
        f"{orders.given_up} given up; refused: {_words(orders.refused)}; "
        f"sent again: {_words(orders.sent_again)}; cancels: {_words(orders.cancels)}",
        soft_wrap=True,
    )


def _show_told(told: Told, console: Console) -> None:
    console.print(
        f"stream: {told.on_the_stream} events, {told.repeated_on_the_stream} repeated; "
        f"the consumer made its group {told.groups_made} times",
        soft_wrap=True,
    )
    console.print(
        f"webhooks: {told.by_webhook} taken, {told.repeated_by_webhook} taken again; "
        f"tries: {_words(told.webhook_tries)}",
        soft_wrap=True,
    )


def _show_counted(counted: Counted, console: Console) -> None:
    console.print(
        f"metrics: of {counted.moves} moves, killed processes took the counts of {counted.by_the_killed} with them, "
        f"and lost acknowledgements hid {counted.not_counted}",
        soft_wrap=True,
    )


def _show_recoveries(found: Recoveries, console: Console) -> None:
    for name, recovery in (("undisturbed", found.undisturbed), ("under another fault", found.disturbed)):
        seconds = f"median {recovery.median_seconds} s, worst {recovery.worst_seconds} s" if recovery.kills else "-"
        console.print(f"recovery {name}: {recovery.kills} kills, {recovery.generations} generations, {seconds}")
    console.print(f"kills of idle workers: {found.with_nothing_in_hand}")
    if found.gateway_back:
        median, worst = statistics.median(found.gateway_back), max(found.gateway_back)
        console.print(f"gateway back: {len(found.gateway_back)} kills, median {median:.1f} s, worst {worst:.1f} s")


def _table(title: str, counts: Mapping[str, int], *, missed: Mapping[str, int] | None = None) -> Table:
    table = Table(title=f"{title}: {sum(counts.values())}", title_justify="left", show_header=bool(missed))
    table.add_column("kind")
    table.add_column("count", justify="right")
    if missed:
        table.add_column("missed", justify="right")
    for kind in sorted({*counts, *(missed or {})}):
        row = [kind, str(counts.get(kind, 0)), *([str(missed.get(kind, 0))] if missed else [])]
        table.add_row(*row)
    return table


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "none"
