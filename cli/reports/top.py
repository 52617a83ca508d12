"""Draws the state of the system for `reelworks top`: on the live screen, and as text with `--once`."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.reports.durations import brief
from cli.reports.limits import in_flight, remarks
from cli.reports.state import events_out
from cli.reports.tables import plain_table
from cli.reports.watched import rows_table
from cli.top.situation import Figures, Situation
from schemas.admission_api import AccountState
from schemas.causes import Cause
from schemas.enums import Queue, Stage
from schemas.names import ProviderName, is_twin
from schemas.route_tables import BreakerState
from schemas.stages import AT_PROVIDER, WORK
from storage.overview import Claims, Unfinished
from storage.routes import ListedRoute
from storage.watching.rows import Found
from workers.roles import ROLES, role_of

_LATE_SECONDS = 30.0
"""Work that is due for so long without a worker is late."""


@dataclass(frozen=True)
class StageFigures:
    """The unfinished generations in one stage."""

    stage: Stage
    """The stage."""
    count: int
    """Their number."""
    oldest_seconds: float
    """The age of the oldest one since its acceptance."""
    late_seconds: float | None
    """The time for which work is due and no worker takes it. None: it is not long."""
    failing: int
    """Those whose last tries failed."""


def stages(figures: Figures | None) -> list[StageFigures]:
    """The figures of every stage, in the order of the stages."""
    unfinished = figures.unfinished if figures else ()
    return [_stage(stage, [each for each in unfinished if each.stage is stage]) for stage in WORK]


def _stage(stage: Stage, found: Sequence[Unfinished]) -> StageFigures:
    late = max((each.runnable_oldest_seconds or 0.0 for each in found), default=0.0)
    return StageFigures(
        stage,
        sum(each.number for each in found),
        max((each.oldest_seconds for each in found), default=0.0),
        late if late > _LATE_SECONDS else None,
        sum(each.failing for each in found),
    )


def stage_text(of: StageFigures) -> Text:
    """A stage in three short lines: its name, its number, and the age of the oldest generation."""
    if of.late_seconds:
        late = f"due {brief(of.late_seconds)}"
        return Text.assemble(f"{of.stage}\n", (f"{of.count:,}\n", "bold red"), (late, "red"))
    style = "dim" if not of.count else "bold yellow" if of.failing else "bold"
    return Text.assemble(
        f"{of.stage}\n", (f"{of.count:,}\n", style), (brief(of.oldest_seconds) if of.count else "", "dim")
    )


def panels(situation: Situation) -> Iterator[RenderableType]:
    """The tables of the whole system."""
    figures = situation.figures
    if figures is not None:
        yield Group(*_providers(figures), *_pauses(figures))
        yield _last_hour(figures)
    yield _queues(situation)
    yield _workers(situation)
    if figures is not None:
        yield events_out(figures.events_out)
        yield rows_table(figures.recent, title="ended last")


def show_once(situation: Situation, title: str, found: Found | None, console: Console) -> None:
    """Print everything as text.

    Args:
        title: the name of the list.
        found: its rows. None: the database does not answer.
    """
    for trouble in situation.troubles:
        console.print(trouble, style="bold red", markup=False, soft_wrap=True)
    if situation.figures is not None:
        console.print(f"Reelworks at {situation.figures.now:%Y-%m-%d %H:%M:%S %Z}", highlight=False)
        strip = Table.grid(*("" for _ in WORK), padding=(0, 3, 0, 0))
        strip.add_row(*(stage_text(each) for each in stages(situation.figures)))
        console.print(strip)
    for panel in panels(situation):
        console.print()
        console.print(panel)
    if found is not None:
        console.print()
        console.print(Text(title, "bold"))
        console.print(rows_table(found) if found.rows else "none")


def system(situation: Situation) -> Group:
    """All tables of the whole system, one below the other."""
    parts: list[RenderableType] = []
    for panel in panels(situation):
        parts += [panel, ""]
    return Group(*parts)


def _providers(figures: Figures) -> Iterator[RenderableType]:
    """A row for each account that has work or trouble, then the troubles, and the names of the others."""
    work: dict[ProviderName, dict[Stage, int]] = defaultdict(lambda: defaultdict(int))
    for each in figures.unfinished:
        work[each.provider][each.stage] += each.number
    accounts = {account.account: account for account in figures.accounts}
    troubles = {name: list(_troubles(name, accounts.get(name), figures.routes)) for name in {*accounts, *work}}
    shown = [name for name in sorted(troubles) if work[name] or troubles[name]]
    table = plain_table("provider", "in flight", "waiting", "held", "oldest", "used")
    for name in shown:
        table.add_row(Text(name, "yellow" if troubles[name] else ""), *_account(accounts.get(name), work[name]))
    yield table
    for name in shown:
        yield from (Text.assemble((f"{name}: ", "bold"), trouble) for trouble in troubles[name])
    idle = [name for name in sorted(accounts) if name not in shown and not is_twin(name)]
    if idle:
        yield Text(f"without work: {', '.join(idle)}", "dim")


def _account(account: AccountState | None, work: Mapping[Stage, int]) -> Iterator[RenderableType]:
    """The cells of an account. Without limits, its work is what its generations say."""
    used = account.used if account else None
    if account is None or account.limits.is_unlimited:
        yield str(sum(work.get(stage, 0) for stage in AT_PROVIDER))
        yield str(work.get(Stage.QUEUED, 0))
    else:
        yield in_flight(account.limits, account.use)
        yield str(account.use.waiting)
    held = account.held if account else {}
    yield ", ".join(f"{count} {reason}" for reason, count in sorted(held.items())) or "0"
    oldest = account.oldest_waits_seconds if account else None
    yield "" if oldest is None else brief(oldest)
    yield "no limits" if used is None else Text(f"{used:.0%}", "yellow" if used >= 1.0 else "")


def _troubles(name: ProviderName, account: AccountState | None, routes: Sequence[ListedRoute]) -> Iterator[Text]:
    """What an account's vendor refuses, and its open circuit breakers."""
    style = "red" if account and account.closed_until else "yellow"
    yield from (Text(each, style) for each in (remarks(account) if account else ()))
    yield from (_breaker(route) for route in routes if route.provider == name and route.open_since is not None)


def _breaker(route: ListedRoute) -> Text:
    until = f" until {route.retry_at:%H:%M:%S}" if route.retry_at else ""
    state = "a probe tries it" if route.state is BreakerState.HALF_OPEN else f"no create goes there{until}"
    return Text(f"route {route.vendor_model}: {state}: {route.reason or ''}", "red")


def _pauses(figures: Figures) -> Iterator[Text]:
    for pause in figures.pauses:
        why = f": {pause.reason}" if pause.reason else ""
        yield Text(f"paused: {pause.scope} {pause.name} since {pause.paused_at:%Y-%m-%d %H:%M:%S}{why}", "yellow")


def _last_hour(figures: Figures) -> Table:
    table = plain_table("last hour", "count", "providers")
    by_cause: dict[Stage | Cause, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in figures.ended:
        by_cause[each.cause or each.status][each.provider] += each.number
    for cause, providers in sorted(
        by_cause.items(), key=lambda item: (item[0] is not Stage.COMPLETED, -sum(item[1].values()))
    ):
        told = ", ".join(f"{name} {count:,}" for name, count in sorted(providers.items(), key=lambda item: -item[1]))
        style = "green" if cause is Stage.COMPLETED else "yellow" if cause.startswith("cancelled") else "red"
        table.add_row(Text(cause.replace("_", " "), style), f"{sum(providers.values()):,}", told)
    if not by_cause:
        table.add_row("none ended", "0", "")
    return table


def _queues(situation: Situation) -> Table:
    table = plain_table("queue", *Queue, gap=1)
    lengths = situation.queues.lengths if situation.queues else {}
    table.add_row("messages", *(str(lengths.get(queue, "?")) for queue in Queue))
    if situation.workers is not None:
        serving = [sum(queue in _queues_of(node) for node in situation.workers) for queue in Queue]
        table.add_row("workers", *(Text(str(count), "" if count else "bold red") for count in serving))
    if situation.queues and situation.queues.dead_requests:
        table.caption = (
            f"{situation.queues.dead_requests} messages at the Redis door could not be read: reelworks door dead"
        )
    return table


def _queues_of(node: str) -> Sequence[Queue]:
    role = role_of(node)
    return () if role is None else ROLES[role].queues


def _workers(situation: Situation) -> Table:
    table = plain_table("worker", "running", "claims", "oldest claim")
    if situation.workers is None:
        table.add_row("listening ...", "", "", "")
    claims = {each.worker: each for each in (situation.figures.claims if situation.figures else ())}
    for node, worker in (situation.workers or {}).items():
        table.add_row(node, str(worker.running), *_claim(claims.get(worker.holder)))
    heard = {worker.holder for worker in (situation.workers or {}).values()}
    for name in sorted(claims.keys() - heard):
        told = "" if situation.workers is None else "no heartbeat"
        table.add_row(Text(name or "no name", "red"), Text(told, "red"), *_claim(claims[name]))
    for role in situation.missing_roles:
        table.add_row(Text(role, "bold red"), Text("no process", "bold red"), "", "")
    return table


def _claim(claims: Claims | None) -> tuple[str, str]:
    return ("0", "") if claims is None else (str(claims.count), brief(claims.oldest_seconds))
