"""Prepares a restored database before its workers start."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.authors import author_of
from cli.configuration import service_settings, transaction
from cli.console import console, errors, refuse
from cli.options import AsJson, a_moment, a_prose
from schemas.settings import Settings

app = typer.Typer()

# A worker sends a heartbeat every two seconds.
_LISTEN_SECONDS = 3.0


@app.command()
def restored(
    at: Annotated[
        datetime,
        typer.Option(parser=a_moment, metavar="TIME", help="the moment of the backup, such as 2026-11-30T02:00:00Z"),
    ],
    stopped: Annotated[
        datetime | None,
        typer.Option(parser=a_moment, metavar="TIME", help="when the last worker of before stopped; default: now"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only count")] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", parser=a_prose, metavar="<str>", help="why, for the history")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prepare a database that was restored from a backup, before any process starts: nothing is paid twice.

    A queued generation may have been sent after the backup. So it waits for a callback, is looked up where the vendor
    keeps our ids, and else fails with its credits released; no worker sends it again. All others go on, with later
    deadlines.
    """
    from cli.reports.restored import show_restored
    from storage import restoring
    from storage.sql import of

    _refuse_beside_workers(service_settings())
    with transaction() as session:
        sql = of(session)
        newest = restoring.newest_event(sql)
        if newest is not None and newest > at:
            refuse(
                f"the database has an event of {newest:%Y-%m-%dT%H:%M:%SZ}, which is after --at: either a process has "
                "worked since the restore, or the backup is of a later moment"
            )
        if not dry_run:
            restoring.skip_event_ids(sql)
        undone = session.begin_nested()
        found = restoring.prepare(of(session), at=at, stopped_at=stopped or datetime.now(UTC), why=author_of(reason))
        if dry_run:
            undone.rollback()
    show_restored(found, console, is_dry=dry_run, as_json=as_json)


def _refuse_beside_workers(settings: Settings) -> None:
    """End the command if a worker runs: the worker could send a create at this moment."""
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    from workers.app import create_app
    from workers.heartbeats import hear

    try:
        with create_app(settings, process="worker") as app:
            running = hear(app, seconds=_LISTEN_SECONDS, is_enough=bool)
    except (RedisError, OperationalError):
        errors.print("warning: Redis does not answer, so it is not known whether a worker runs", style="yellow")
        return
    if running:
        refuse(f"{', '.join(sorted(running))} works: stop all workers, gateways and beat first, and restore once more")
