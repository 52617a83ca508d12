"""Drains worker processes: they take no new work, and finish what they have."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cli.authors import author_of
from cli.configuration import transaction
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
    as_json: AsJson = False,
) -> None:
    """Let a worker, or all workers of a host, take no new work. They finish what they have, and stay healthy.

    Exit with 1 if work is left after the wait. The drain holds for processes that start later, until `undrain`.
    """
    from cli.reports.draining import show_drain
    from storage import drains

    target = _target(worker, host)
    with _statements() as sql:
        known = drains.processes(sql)
        found = [one for one in known if _matches(one, target)]
        if not found:
            raise NotFound(f"no worker {target} reports itself. Workers: {_named(known)}")
        if not dry_run:
            drains.drain(sql, target, found, author_of(reason))
    others = [one for one in known if not _matches(one, target) and one.drain is None]
    if not dry_run:
        found = _when_empty(target, found, wait)
    show_drain(target, found, others, console, is_dry=dry_run, as_json=as_json)
    if not dry_run and not all(one.is_empty for one in found):
        raise typer.Exit(1)


@app.command()
def undrain(worker: Worker = None, host: Host = None, reason: Why = None) -> None:
    """Let a worker, or all workers of a host, take work again."""
    from storage import drains

    target = _target(worker, host)
    with _statements() as sql:
        if not drains.undrain(sql, target, author_of(reason)):
            drained = ", ".join(one.target for one in drains.drains(sql)) or "nothing"
            raise NotFound(f"{target} is not drained. Drained: {drained}")
    console.print(f"{target} takes work again, within about a second", markup=False, soft_wrap=True)


def _target(worker: str | None, host: str | None) -> str:
    """The target of a drain: a node, or `@host` for all nodes of a host."""
    if (worker is None) == (host is None):
        refuse("name a worker, such as provider@host, or --host")
    if worker is not None and not worker.partition("@")[2]:
        refuse(f"{worker}: name the worker with its host, as `reelworks status` does: {worker}@host")
    return worker or f"@{host}"


def _matches(process: "Process", target: str) -> bool:
    return process.node == target or (target.startswith("@") and process.node.endswith(target))


def _when_empty(target: str, found: "list[Process]", seconds: float) -> "list[Process]":
    """The processes of a target when all are empty, or after this time. A process that has ended is empty."""
    from storage import drains

    ends_at = time.monotonic() + seconds
    while True:
        with _statements() as sql:
            found = [one for one in drains.processes(sql) if _matches(one, target)]
        if all(one.is_empty for one in found) or time.monotonic() > ends_at:
            return found
        time.sleep(_LOOK_SECONDS)


def _named(known: "list[Process]") -> str:
    return ", ".join(sorted({one.node for one in known})) or "none"


@contextmanager
def _statements() -> Iterator["Sql"]:
    from storage.sql import of

    with transaction() as session:
        yield of(session)
