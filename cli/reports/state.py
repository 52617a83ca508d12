"""Prints the state of the system."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.reports.draining import in_words
from cli.reports.limits import closing
from cli.reports.rows import show_json
from cli.reports.tables import plain_table
from cli.state import State
from storage.overview import EventsOut

# Events usually leave within a second.
_LATE_SECONDS = 30.0


def show_state(state: State, console: Console, *, as_json: bool) -> None:
    """Print the state of every part of the system."""
    if as_json:
        accounts = [account.model_dump(mode="json") for account in state.accounts]
        show_json({"well": state.is_well, **asdict(state), "accounts": accounts}, console)
        return
    for table in (_services(state), _queues(state), _stages(state), _accounts(state), events_out(state.events_out)):
        console.print(table)
        console.print()
    for line in _remarks(state):
        console.print(line, soft_wrap=True)


def _services(state: State) -> Table:
    table = plain_table("service", "address", "says")
    for service in state.services:
        says = f"[green]{service.says}[/green]" if service.is_there else f"[red]{escape(service.says)}[/red]"
        table.add_row(service.name, service.address, says)
    return table


def _queues(state: State) -> Table:
    table = plain_table("queue", "waiting", "workers that answered")
    for queue in state.queues:
        workers = escape(", ".join(queue.workers)) or "[red]none[/red]"
        table.add_row(queue.name, "?" if queue.length is None else str(queue.length), workers)
    return table


def _stages(state: State) -> Table:
    table = plain_table("stage", "generations", "the oldest")
    for stage in state.stages:
        table.add_row(stage.stage, str(stage.count), str(timedelta(seconds=round(stage.oldest_seconds))))
    for ended, count in sorted(state.finished_today.items()):
        table.add_row(ended, str(count), "[dim]in the last 24 hours[/dim]")
    return table


def _accounts(state: State) -> Table:
    table = plain_table("account", "in flight", "waiting", "held", "the oldest")
    for one in state.accounts:
        most, oldest = one.limits.in_flight, one.oldest_waits_seconds
        table.add_row(
            one.account,
            str(one.use.in_flight) if most is None else f"{one.use.in_flight} of {most}",
            str(one.use.waiting),
            str(sum(one.held.values())),
            "" if oldest is None else str(timedelta(seconds=round(oldest))),
        )
    return table


def events_out(out: EventsOut | None) -> Table:
    """How far the events that leave the system are behind. None: the database does not answer."""
    table = plain_table("events out", "behind", "")
    if out is None:
        return table
    if out.stream_seconds is not None:
        table.add_row("stream", _seconds(out.stream_seconds))
    table.add_row("webhooks", _seconds(out.webhooks_seconds), f"{out.webhooks_due} due")
    return table


def _seconds(seconds: float) -> str:
    shown = f"{seconds:.1f} s"
    return shown if seconds < _LATE_SECONDS else f"[red]{shown}[/red]"


def _remarks(state: State) -> Iterator[str]:
    if late := sum(stage.late for stage in state.stages):
        yield f"[red]{late} generations[/red] have waited over 30 s for a worker: check that beat and the workers run"
    out = state.events_out
    if out is not None and max(out.stream_seconds or 0.0, out.webhooks_seconds) >= _LATE_SECONDS:
        yield "[red]Events leave late[/red]: check that worker-notify runs, and read its log"
    for account in state.accounts:
        if (closed := closing(account)) is not None:
            yield f"[red]The account {account.account}[/red] {escape(closed)}"
    for drain in state.drains:
        why = f": {escape(drain.reason)}" if drain.reason else ""
        yield f"[yellow]{escape(drain.target)} is drained[/yellow] since {drain.created_at:%Y-%m-%d %H:%M:%S}{why}"
    for process in state.drained:
        yield f"  {escape(process.node)} (pid {process.pid}): {in_words(process)}"
    for name, length in state.strange_lists.items():
        yield (
            f"[yellow]{length} messages[/yellow] lie in the Redis list {escape(name)}, which no worker reads: "
            "a request goes to the list requests"
        )
    if state.dead_requests:
        yield (
            f"[yellow]{state.dead_requests} messages[/yellow] at the Redis door could not be read: "
            "`reelworks door dead` in the process of the door shows why"
        )
    yield "[green]Everything is there.[/green]" if state.is_well else "[red]Something is away.[/red]"
