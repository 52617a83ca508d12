"""Prints what became of the unfinished generations of a restored database."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta

from rich.console import Console

from cli.reports.rows import show_json
from schemas.enums import Stage
from schemas.names import ProviderName
from storage.drains import Drain
from storage.restoring import Restored


def show_restored(found: Restored, drained: Sequence[Drain], console: Console, *, is_dry: bool, as_json: bool) -> None:
    """Print the counts, and the drains in force."""
    if as_json:
        show_json({"dry_run": is_dry, **asdict(found), "drains": [asdict(one) for one in drained]}, console)
        return
    doubted = (
        f"{sum(found.doubted.values())} queued generations may have been sent after the backup: they wait in "
        f"`submitting`, and are never sent again{_listed(found.doubted)}"
    )
    lines = [
        doubted,
        f"{found.scheduled} scheduled generations start later, and stay queued",
        f"{sum(found.continuing.values())} others go on from their stage{_listed(found.continuing)}",
        f"deadlines move by {timedelta(seconds=round(found.late_seconds))}",
        *(f"in force: {one.in_words()}. `reelworks undrain` ends it" for one in drained),
        "--dry-run: nothing was changed" if is_dry else "Now start the processes, then run `reelworks audit`.",
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _listed(counts: Mapping[Stage, int] | Mapping[ProviderName, int]) -> str:
    return "".join(f"{', ' if number else ': '}{name} {count}" for number, (name, count) in enumerate(counts.items()))
