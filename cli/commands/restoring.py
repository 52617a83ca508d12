"""Prepares a restored database before its workers start."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import typer

from cli import heartbeats
from cli.authors import author_of
from cli.configuration import service_settings, transaction
from cli.console import console, errors, refuse
from cli.options import AsJson, a_moment, a_prose
from schemas.settings import Settings

app = typer.Typer()

_REDIS_SECONDS = 10.0


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
    deadlines. The queues of the stages and the streams in Redis are deleted; orders at the Redis door stay.
    """
    from cli.reports.restored import show_restored
    from storage import drains, generations, restoring
    from storage.sql import of

    settings = service_settings()
    _refuse_beside_workers(settings)
    with _alone(), transaction() as session:
        sql = of(session)
        restoring.unhurried(sql)
        now = generations.database_now(session)
        _refuse_wrong_times(at, stopped, now, restoring.newest_event(sql))
        if not dry_run:
            _empty_redis(settings)
            restoring.skip_event_ids(sql)
        undone = session.begin_nested()
        found = restoring.prepare(of(session), at=at, stopped_at=stopped or now, why=author_of(reason))
        if dry_run:
            undone.rollback()
        drained = drains.drains(sql)
    show_restored(found, drained, console, is_dry=dry_run, as_json=as_json)


def _refuse_wrong_times(at: datetime, stopped: datetime | None, now: datetime, newest: datetime | None) -> None:
    """End the command unless the times are in order: the newest event, `at`, `stopped`, the database's clock."""
    if at > now:
        refuse(f"--at is later than now, {_named(now)} by the database's clock")
    if newest is not None and newest > at:
        refuse(
            f"the database has an event of {_named(newest)}, which is after --at: either a process has worked since "
            "the restore, or the backup is of a later moment"
        )
    if stopped is not None and not at <= stopped <= now:
        refuse(
            f"--stopped must be between --at and now, {_named(now)} by the database's clock: workers worked from the "
            "backup until they stopped"
        )


def _empty_redis(settings: Settings) -> None:
    """Delete the wake-ups, streams and answers of another time. Orders at the Redis door stay."""
    from redis import Redis
    from redis.exceptions import RedisError

    from workers import stale_redis

    try:
        with Redis.from_url(settings.redis_url, socket_timeout=_REDIS_SECONDS) as redis:
            stale_redis.delete(redis)
    except RedisError as error:
        errors.print(
            f"warning: the queues and streams in Redis were not deleted ({error}): before the start, delete the lists "
            "of the stages, `reelworks:events*` and `reelworks:door:answered:*`",
            style="yellow", markup=False, soft_wrap=True,
        )  # fmt: skip


def _named(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@contextmanager
def _alone() -> Iterator[None]:
    """End the command clearly if another session holds a lock on the rows."""
    from psycopg.errors import LockNotAvailable
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        refuse("another session works in the database and holds its rows: end it, and restore once more")


def _refuse_beside_workers(settings: Settings) -> None:
    """End the command if a worker runs: the worker could send a create at this moment."""
    running = heartbeats.running(settings, is_one_enough=True)
    if running is None:
        errors.print("warning: Redis does not answer, so it is not known whether a worker runs", style="yellow")
    elif running:
        refuse(f"{', '.join(sorted(running))} works: stop all workers, gateways and beat first, and restore once more")
