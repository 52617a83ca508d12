"""Prints drains and the processes that follow them."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console

from cli.reports.rows import show_json
from storage.drains import Drain, Process
from workers.roles import role_of


@dataclass(frozen=True)
class Shown:
    """A drain, and the processes that it concerns."""

    target: str
    """The node or host."""
    found: Sequence[Process]
    """The processes of the drain."""
    others: Sequence[Process]
    """The processes that take work beside the drain."""
    unreported: Sequence[str] | None
    """The nodes of the target that run and do not report themselves. None: Redis does not answer."""
    earlier: Drain | None
    """The drain of the target that was in force before."""
    is_dry: bool
    """Whether nothing was changed."""


def show_drain(shown: Shown, console: Console, *, as_json: bool) -> None:
    """Print the processes of a drain with their work."""
    alone = sorted(_roles(shown.found) - _roles([one for one in shown.others if not one.is_silent]))
    if as_json:
        document = {"target": shown.target, "dry_run": shown.is_dry, "processes": [asdict(one) for one in shown.found]}
        earlier = asdict(shown.earlier) if shown.earlier else None
        more = {"roles_without_worker": alone, "unreported": shown.unreported, "drained_before": earlier}
        show_json({**document, **more}, console)
        return
    for line in _lines(shown, alone):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _lines(shown: Shown, alone: Sequence[str]) -> Iterator[str]:
    if shown.earlier is not None:
        yield f"in force already: {shown.earlier.in_words()}"
    yield from (f"{one.node} (pid {one.pid}): {in_words(one)}" for one in shown.found)
    yield from (
        f"{node}: runs and does not report itself, as the previous release does: SIGTERM drains it"
        for node in shown.unreported or ()
    )
    if shown.unreported is None:
        yield "warning: Redis does not answer, so it is not known whether other workers run"
    if any(one.is_silent for one in shown.found):
        yield "a silent process was killed, or does not reach the database: look at its host; --ignore-silent skips it"
    if alone:
        yield f"no other worker serves {', '.join(alone)}: their work waits until `reelworks undrain`"
    yield "--dry-run: nothing was changed" if shown.is_dry else f"`reelworks undrain` ends the drain of {shown.target}"


def _roles(processes: Sequence[Process]) -> set[str]:
    return {str(role_of(one.node)) for one in processes}


def in_words(process: Process) -> str:
    """The work of a process, and whether it takes more."""
    if process.is_silent:
        return f"silent since {process.seen_at:%H:%M:%S}, {process.in_hand} in hand"
    if process.is_empty:
        return f"empty, takes nothing new since {process.drained_at:%H:%M:%S}"
    if process.drained_at is not None:
        return f"{process.in_hand} in hand, takes nothing new since {process.drained_at:%H:%M:%S}"
    return f"{process.in_hand} in hand, " + ("is asked to take nothing new" if process.drain else "takes work")
