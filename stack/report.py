"""How an audit looks in a terminal."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from schemas.settings import Settings
from storage.audit import Report, audit
from storage.database import Database
from storage.objects import ObjectStore


def run_audit(settings: Settings, console: Console) -> bool:
    """Audit the system that the settings name and print what it found; whether everything holds."""
    database = Database(settings.database_url)
    objects = ObjectStore(settings.s3)
    columns = (TextColumn("reading stored objects"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("objects", total=None)
            report = audit(
                database, objects, on_object=lambda done, total: progress.update(task, completed=done, total=total)
            )
    finally:
        objects.close()
        database.dispose()
    _print(report, console)
    return not report.breaches


def _print(report: Report, console: Console) -> None:
    seen = f"{report.generations} generations, {report.objects} stored objects"
    if not report.breaches:
        console.print(f"[green]Audit passed[/green]: {seen}; the ledger sums to zero.")
        return
    console.print(f"[red]Audit failed[/red]: {seen}, {len(report.breaches)} breaches.")
    for breach in report.breaches:
        console.print(f"  rule {breach.rule}  {breach.subject}: {breach.problem}", soft_wrap=True)
