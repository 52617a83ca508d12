"""Runs a sweep and prints its result."""

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.filesize import decimal
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from schemas.enums import SweepKind
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from storage.sweeps import Portion, Swept, sweep


def run_sweep(
    settings: Settings, console: Console, *, kinds: Collection[SweepKind], is_dry: bool, as_json: bool = False
) -> bool:
    """Sweep the system that the settings name, and print the result. Return whether every removal succeeded.

    Args:
        is_dry: count and remove nothing.
        as_json: print one JSON document, and nothing else, on standard output.
    """
    started_at = time.monotonic()
    database = Database(settings.database_url)
    objects = ObjectStore(settings.s3)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True) if as_json else console, transient=True) as progress:
            task = progress.add_task("sweeping", total=None)

            def show(kind: SweepKind, total: Portion) -> None:
                progress.update(task, description=f"{kind}: {total.count}, {decimal(total.size_bytes)}")

            idle = settings.studio.idle
            swept = list(
                sweep(
                    database, objects, settings.retention, kinds=kinds, is_dry=is_dry, session_idle=idle,
                    on_portion=show,
                )
            )  # fmt: skip
    finally:
        objects.close()
        database.dispose()
    if as_json:
        kinds_told = [{"kind": one.kind, **asdict(one.total), "interrupted_by": one.interrupted_by} for one in swept]
        seconds = round(time.monotonic() - started_at, 3)
        told = {"dry_run": is_dry, "swept": kinds_told, "seconds": seconds}
        console.out(json.dumps(told, indent=2), highlight=False)
    else:
        _print(swept, console, is_dry=is_dry)
    return not any(one.total.failed or one.interrupted_by for one in swept)


def _print(swept: Sequence[Swept], console: Console, *, is_dry: bool) -> None:
    table = Table(title="Would be swept" if is_dry else "Swept", title_justify="left")
    for heading in ("kind", "count", "size", "failed"):
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    for one in swept:
        table.add_row(one.kind, str(one.total.count), decimal(one.total.size_bytes), str(one.total.failed))
    console.print(table)
    for one in swept:
        if one.interrupted_by:
            console.print(f"[red]{one.kind} was interrupted[/red]: {one.interrupted_by}. The next sweep goes on.")
