"""Drains worker processes: a drained process takes no new work, and finishes the work that it has."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cli import heartbeats
from cli.authors import author_of
from cli.configuration import service_settings, transaction
from cli.console import console, refuse
from cli.options import AsJson, a_name, a_prose
from schemas.errors import NotFound

if TYPE_CHECKING:
    from storage.drains import Process
    from storage.sql import Sql

app = typer.Typer()

_LOOK_SECONDS = 0.5

Worker = Annotated[
    str | None,
    typer.Argument(parser=a_name, metavar="worker", help="the node of a worker, such as `provider@host` in `status`"),
]
Host = Annotated[
    str | None, typer.Option(parser=a_name, metavar="<str>", help="in place of a worker: all workers of this host")
]
Why = Annotated[str | None, typer.Option("--reason", parser=a_prose, metavar="<str>", help="why, for the history")]


@app.command()
def drain(
    worker: Worker = None,
    host: Host = None,
    reason: Why = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only count the work in hand")] = False,
    wait: Annotated[float, typer.Option(min=0, max=3600, help="seconds until all must be empty")] = 60,
    ignore_silent: Annotated[
        bool, typer.Option("--ignore-silent", help="count processes that do not report themselves as ended")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let a worker, or all workers of a host, take no new work. They finish their work, and stay healthy.

    Exit with 1 if work is left after the wait, or if a process does not report itself. The drain holds for processes
    that start later, until `undrain`.
    """
    from cli.reports.draining import Shown, show_drain
    from storage import drains

    target = _target(worker, host)
    unreported = _unreported(target)
    with _statements() as sql:
        known = drains.processes(sql)
        found = [one for one in known if drains.matches(one.node, target)]
        if not found:
            raise NotFound(_no_worker(target, known, unreported))
        earlier = next((one for one in drains.drains(sql) if one.target == target), None)
        if not dry_run:
            drains.drain(sql, target, found, author_of(reason))
    others = [one for one in known if not drains.matches(one.node, target) and one.drain is None]
    if not dry_run:
        found = _when_empty(target, wait, ignore_silent=ignore_silent)
    show_drain(Shown(target, found, others, unreported, earlier, dry_run), console, as_json=as_json)
    is_seen = ignore_silent or not unreported
    if not dry_run and not (is_seen and _are_empty(found, ignore_silent=ignore_silent)):
        raise typer.Exit(1)


@app.command()
def undrain(worker: Worker = None, host: Host = None, reason: Why = None) -> None:
    """Let a worker, or all workers of a host, take work again. Names the drains that still hold there."""
    from storage import drains

    target = _target(worker, host)
    with _statements() as sql:
        undrained = drains.undrain(sql, target, author_of(reason))
        left = drains.drains(sql)
    if not undrained:
        raise NotFound(f"{target} is not drained. Drained: {', '.join(one.target for one in left) or 'nothing'}")
    holding = [one for one in left if drains.matches(one.target, target) or drains.matches(target, one.target)]
    lines = [f"still in force: {one.in_words()}" for one in holding]
    if any(drains.matches(target, one.target) for one in holding):
        lines.append(f"{target} takes no work until that drain ends, too")
    else:
        rest = " but for these" if holding else ""
        lines.append(f"{target} takes work again, within about a second{rest}")
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _target(worker: str | None, host: str | None) -> str:
    """The target of a drain: a node, or `@host` for all nodes of a host."""
    if (worker is None) == (host is None):
        refuse("name a worker, such as provider@host, or --host")
    if worker is not None and not worker.partition("@")[2]:
        refuse(f"{worker}: name the worker with its host, as `reelworks status` does: {worker}@host")
    return worker or f"@{host}"


def _unreported(target: str) -> list[str] | None:
    """The nodes of a target that run and do not report themselves. None: Redis does not answer."""
    from storage import drains

    reported = _reported()
    running = heartbeats.running(service_settings())
    if running is None:
        return None
    # A node may have ended or started in the meantime.
    strange = running - reported - _reported()
    return sorted(node for node in strange if drains.matches(node, target))


def _reported() -> set[str]:
    from storage import drains

    with _statements() as sql:
        return {one.node for one in drains.processes(sql)}


def _when_empty(target: str, seconds: float, *, ignore_silent: bool) -> "list[Process]":
    """The processes of a target when all are empty, or after this time. A process that has ended has no report."""
    from storage import drains

    ends_at = time.monotonic() + seconds
    while True:
        with _statements() as sql:
            found = [one for one in drains.processes(sql) if drains.matches(one.node, target)]
        if _are_empty(found, ignore_silent=ignore_silent) or time.monotonic() > ends_at:
            return found
        time.sleep(_LOOK_SECONDS)


def _are_empty(found: "list[Process]", *, ignore_silent: bool) -> bool:
    return all(one.is_empty or (one.is_silent and ignore_silent) for one in found)


def _no_worker(target: str, known: "list[Process]", unreported: list[str] | None) -> str:
    if unreported:
        return (
            f"{', '.join(unreported)} runs and does not report itself, as the previous release does, so it hears of no "
            "drain: SIGTERM drains it"
        )
    return f"no worker {target} reports itself. Workers: {_named(known)}"


def _named(known: "list[Process]") -> str:
    return ", ".join(sorted({one.node for one in known})) or "none"


@contextmanager
def _statements() -> Iterator["Sql"]:
    from storage.sql import of

    with transaction() as session:
        yield of(session)
