"""Checks PostgreSQL."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from cli.doctor import clock, disks
from cli.doctor.findings import Finding, error, ok, unchecked, warning
from cli.doctor.running import each, reason
from schemas.reach import Reach, reach_of
from schemas.settings import Settings
from storage import migrate

# `NULLS NOT DISTINCT` of the ledger's accounts.
_OLDEST = 15
_MOST_CONNECTIONS = 0.8

Connection = psycopg.Connection[tuple[object, ...]]


def checks(settings: Settings) -> Iterator[Finding]:
    """All checks of the database."""
    try:
        connection = psycopg.connect(
            settings.database_url, connect_timeout=5, autocommit=True, application_name="reelworks doctor"
        )
    except psycopg.Error as trouble:
        remedy = "start PostgreSQL, or correct REELWORKS_DATABASE_URL; docs/runbook.md: PostgreSQL is down"
        yield error("database", reason(trouble, settings), remedy)
        return
    with connection:
        is_local = reach_of(settings.database_url) is Reach.MACHINE
        asked = (version, migrations, clock_of_database, time_zone, connections)
        yield from each(asked, connection, settings)
        yield from each([volume if is_local else remote_volume], connection, settings)


def version(connection: Connection) -> Finding:
    """The version of the server."""
    shown, major = connection.info.parameter_status("server_version") or "", connection.info.server_version // 10_000
    if major < _OLDEST:
        remedy = f"upgrade to PostgreSQL {_OLDEST} or newer"
        return error("database version", f"PostgreSQL {shown} is too old for our schema", remedy)
    return ok("database version", f"PostgreSQL {shown}")


def migrations(connection: Connection) -> Finding:
    """Whether the schema is the one of this release."""
    name, head = "migrations", migrate.newest()
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        return error(name, "the database has none of our tables", "run `reelworks migrate`")
    found = str(row[0]) if row else "none"
    if found == head:
        return ok(name, f"the schema is the newest: {head}")
    if not migrate.is_known(found):
        says = f"the schema {found} is newer than this release, which knows {head}"
        return warning(name, says, "nothing, if a newer release is being deployed or was just rolled back")
    return error(name, f"the schema is {found}, and this release needs {head}", "run `reelworks migrate`")


def clock_of_database(connection: Connection) -> Finding:
    """Whether the database's clock agrees with this machine. Leases and deadlines use the database's clock."""
    before = time.time()
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    return clock.compared("the database", float(str(row[0])) if row else 0.0, before=before)


def time_zone(connection: Connection) -> Finding:
    """Whether the database shows times in UTC, as our logs do."""
    row = connection.execute("SHOW timezone").fetchone()
    zone = str(row[0]) if row else ""
    if zone.upper() in {"UTC", "ETC/UTC", "GMT"}:
        return ok("time zone", "the database shows times in UTC, as logs and answers do")
    return warning(
        "time zone",
        f"the database shows times in {zone}; logs and answers are in UTC",
        "mind the difference in psql, or `ALTER DATABASE … SET timezone = 'UTC'`; stored times are right either way",
    )


def connections(connection: Connection) -> Finding:
    """Whether the server has connections left."""
    row = connection.execute(
        "SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity "
        "WHERE backend_type = 'client backend'"
    ).fetchone()
    used, most = (int(str(value)) for value in row or (0, 1))
    says = f"{used} of {most} connections are in use"
    if used < most * _MOST_CONNECTIONS:
        return ok("database connections", says)
    remedy = "raise max_connections, or lower REELWORKS_DATABASE_POOL_SIZE (connections of each process)"
    return warning("database connections", says, remedy)


def volume(connection: Connection) -> Finding:
    """The room on the volume of a database on this machine."""
    try:
        row = connection.execute("SHOW data_directory").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return unchecked("disk of the database", "its user may not ask for the data directory")
    folder = Path(str(row[0])) if row else Path()
    if not folder.is_dir():
        return unchecked("disk of the database", f"this process does not see {folder}: it may be in a container")
    return disks.room("the database", folder)


def remote_volume(connection: Connection) -> Finding:
    """A volume of another machine."""
    host = urlsplit(f"//{connection.info.host}").hostname
    return unchecked("disk of the database", f"it is on another machine: look at {host} itself")
