"""Prints drains and the processes that follow them."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console

from cli.reports.rows import show_json
from storage.drains import Process
from workers.roles import role_of


def show_drain(
    target: str, found: Sequence[Process], others: Sequence[Process], console: Console, *, is_dry: bool, as_json: bool
) -> None:
    """Print the processes of a drain with their work.

    Args:
        others: the processes that take work beside the drain.
    """
    alone = sorted({str(role_of(one.node)) for one in found} - {str(role_of(one.node)) for one in others})
    if as_json:
        document = {"target": target, "dry_run": is_dry, "processes": [asdict(one) for one in found]}
        show_json({**document, "roles_without_worker": alone}, console)
        return
    lines = [f"{one.node} (pid {one.pid}): {in_words(one)}" for one in found]
    if alone:
        lines.append(f"no other worker serves {', '.join(alone)}: their work waits until `reelworks undrain`")
    lines.append("--dry-run: nothing was changed" if is_dry else f"`reelworks undrain` ends the drain of {target}")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def in_words(process: Process) -> str:
    """The work of a process, and whether it takes more."""
    if process.is_empty:
        return f"empty, takes nothing new since {process.drained_at:%H:%M:%S}"
    if process.drained_at is not None:
        return f"{process.in_hand} in hand, takes nothing new since {process.drained_at:%H:%M:%S}"
    return f"{process.in_hand} in hand, " + ("is asked to take nothing new" if process.drain else "takes work")
