"""What a run found, for people and for programs."""

import statistics
from collections.abc import Mapping
from uuid import UUID

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from drills.chaos.checks.recoveries import Recoveries


class Orders(BaseModel):
    """What customers did and saw."""

    accepted_over_http: int
    accepted_over_redis: int
    lost_in_redis: int
    """Taken by Redis, and gone, or still there, before it was a generation."""
    refused: dict[str, int]
    given_up: int
    sent_again: dict[str, int]
    cancels: dict[str, int]


class BreachFound(BaseModel):
    """Something that must hold and does not, and all that is known about it."""

    subject: str
    problem: str
    timeline: list[str]


class Report(BaseModel):
    """A run."""

    seed: int
    minutes: float
    digest: str
    wall_seconds: float
    load_average: float
    """Of the machine, over the last five minutes of the run; `cores` of them are as many as it can do at once."""
    cores: int
    faults: dict[str, int]
    missed_faults: dict[str, int]
    """Planned, and not done: its target was away, or no commit came by."""
    vendor_faults: dict[str, int]
    orders: Orders
    outcomes: dict[str, int]
    recoveries: Recoveries
    unasked_deaths: dict[str, int]
    """Processes that ended though nobody killed them, with how they ended."""
    log_errors: dict[str, int]
    """Events of the level error in the logs."""
    undelivered: dict[str, int]
    """Creates that the vendor accepted, and whose customer has no result: why."""
    unlucky: dict[str, list[UUID]]
    """Generations that failed though the vendor was not asked to fail them, by error code."""
    breaches: list[BreachFound]
    replay: str
    """The command that makes the same things go wrong again."""


def show(report: Report, console: Console) -> None:
    """Print a report."""
    console.print(_table("faults", report.faults, missed=report.missed_faults))
    console.print(_table("vendor's faults", report.vendor_faults))
    console.print(_table("generations", report.outcomes))
    _show_orders(report.orders, console)
    _show_recoveries(report.recoveries, console)
    console.print(f"paid and not delivered: {_words(report.undelivered)}", soft_wrap=True)
    unlucky = {code: len(ids) for code, ids in report.unlucky.items()}
    console.print(f"failed though the vendor would have delivered: {_words(unlucky)}", soft_wrap=True)
    console.print(f"deaths that nobody asked for: {_words(report.unasked_deaths)}", soft_wrap=True)
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
        f"{orders.lost_in_redis} lost in Redis; {orders.given_up} given up; refused: {_words(orders.refused)}; "
        f"sent again: {_words(orders.sent_again)}; cancels: {_words(orders.cancels)}",
        soft_wrap=True,
    )


def _show_recoveries(found: Recoveries, console: Console) -> None:
    for name, recovery in (("undisturbed", found.undisturbed), ("under another fault", found.disturbed)):
        seconds = f"median {recovery.median_seconds} s, worst {recovery.worst_seconds} s" if recovery.kills else "-"
        console.print(f"recovery {name}: {recovery.kills} kills, {recovery.generations} generations, {seconds}")
    console.print(f"kills with nothing in hand: {found.with_nothing_in_hand}")
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
