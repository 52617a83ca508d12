"""Runs an audit and prints its report."""

import json
from dataclasses import asdict
from datetime import timedelta

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from schemas.settings import Settings
from storage.audit import Report, audit, audit_online
from storage.database import Database
from storage.objects import ObjectStore


def run_audit(settings: Settings, console: Console, *, as_json: bool = False) -> bool:
    """Audit the whole system that the settings name, and print the report. Return whether every rule holds.

    Args:
        as_json: print one JSON document, and nothing else, on standard output.
    """
    database = Database(settings.database_url)
    objects = ObjectStore(settings.s3)
    columns = (TextColumn("reading stored objects"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=Console(stderr=True) if as_json else console, transient=True) as progress:
            task = progress.add_task("objects", total=None)
            report = audit(
                database,
                objects,
                settings.retention,
                on_object=lambda done, total: progress.update(task, completed=done, total=total),
            )
    finally:
        objects.close()
        database.dispose()
    if as_json:
        _print_json(report, console, is_online=False)
    else:
        stored = f"{report.generations} generations, {report.objects} stored objects"
        _print(report, console, seen=stored, passed=f"{stored}; the ledger sums to zero.")
    return not report.breaches


def run_online_audit(settings: Settings, console: Console, *, window: timedelta, as_json: bool = False) -> bool:
    """Audit recent changes only, which is cheap, and print the report. Return whether every rule holds."""
    database = Database(settings.database_url)
    try:
        report = audit_online(database, window=window)
    finally:
        database.dispose()
    if as_json:
        _print_json(report, console, is_online=True)
    else:
        seen = f"{report.generations} generations, unfinished or finished in the last {window}"
        _print(report, console, seen=seen, passed=f"{seen}.")
    return not report.breaches


def _print_json(report: Report, console: Console, *, is_online: bool) -> None:
    told = {"passed": not report.breaches, "online": is_online, **asdict(report), "seconds": round(report.seconds, 3)}
    console.out(json.dumps(told, indent=2), highlight=False)


def _print(report: Report, console: Console, *, seen: str, passed: str) -> None:
    if report.breaches:
        console.print(f"[red]Audit failed[/red]: {seen}, {len(report.breaches)} breaches.")
        for breach in report.breaches:
            console.print(f"  rule {breach.rule}  {breach.subject}: {breach.problem}", soft_wrap=True)
    else:
        console.print(f"[green]Audit passed[/green]: {passed}")
    if report.orphans:
        console.print(f"{report.orphans} objects ({decimal(report.orphan_bytes)}) belong to nothing: for the sweep.")
