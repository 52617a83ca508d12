"""Migrates a database to the newest schema.

A change of a table waits for the table's lock, and every later statement on the table waits behind the change. So a
migration waits for a lock for seconds only. Then the migration lets the others go on, and is tried again.
"""

import time
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from schemas.errors import ReelworksError
from storage.database import with_driver

log = structlog.get_logger()

# An arbitrary constant. All processes that migrate a database must use the same constant.
_MIGRATION_LOCK = 7_336_905
_ASK_AGAIN_SECONDS = 0.2

_LOCK_TIMEOUT = "2s"
_TRIES = 20
_PAUSE_SECONDS = 3.0

# The oldest transactions with locks of tables. A vacuum is such a transaction. The text of a query can contain
# customers' data, so it is left out.
_HOLDERS = text("""
    SELECT format(
        '%s (%s, %s, open for %s s)', pid, coalesce(nullif(application_name, ''), backend_type),
        coalesce(state, 'active'), coalesce(round(extract(epoch FROM clock_timestamp() - xact_start)), 0)
    )
    FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND datname = current_database()
      AND pid IN (SELECT pid FROM pg_locks WHERE granted AND locktype = 'relation')
    ORDER BY xact_start LIMIT 5
""")


class MigrationBlocked(ReelworksError):
    """Other transactions kept the locks of tables that a migration needs."""


def upgrade(database_url: str) -> None:
    """Apply every migration that the database lacks. Safe to call from several processes at once, and to repeat.

    Raises:
        MigrationBlocked: other transactions keep the locks of tables.
    """
    engine = create_engine(with_driver(database_url))
    _limit_waits(engine)
    try:
        with as_file(files("storage") / "migrations") as scripts, engine.connect() as connection:
            _wait_for_our_turn(connection)
            config = Config()
            config.set_main_option("script_location", str(scripts))
            config.attributes["connection"] = connection
            _apply(connection, config)
    finally:
        engine.dispose()


def _limit_waits(engine: Engine) -> None:
    """Limit how long a statement waits for locks."""

    @event.listens_for(engine, "before_cursor_execute")
    def limit(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        # No statement of another waits behind a concurrent build, which itself waits for every open transaction.
        most = "0" if "CONCURRENTLY" in statement else _LOCK_TIMEOUT
        cursor.execute(f"SET lock_timeout = '{most}'")


def _apply(connection: Connection, config: Config) -> None:
    """Apply the migrations. One that waits too long for a lock, or that PostgreSQL ends for a deadlock, is repeated."""
    for tries in range(1, _TRIES + 1):
        try:
            return command.upgrade(config, "head")
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable | DeadlockDetected):
                raise
        connection.rollback()
        holders = connection.scalars(_HOLDERS).all()
        connection.rollback()
        log.warning("migration_waits", tries=tries, most=_TRIES, holders=holders)
        if tries == _TRIES:
            raise MigrationBlocked(
                "a migration needs the lock of a table, and other transactions keep it. The oldest ones with locks: "
                f"{', '.join(holders) or 'none is left'}. Wait for their end, or end them "
                "(`SELECT pg_terminate_backend(PID)`). Then migrate again"
            )
        time.sleep(_PAUSE_SECONDS)
    return None


def _wait_for_our_turn(connection: Connection) -> None:
    """Take the migration lock. The second of two processes then finds no migration to apply."""
    # Each try is a transaction by itself. A process that waited for the lock inside a transaction would block a
    # concurrent index build, which waits for every open transaction.
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _MIGRATION_LOCK}):
        connection.commit()
        time.sleep(_ASK_AGAIN_SECONDS)
    connection.commit()


def newest() -> str:
    """The newest schema that this release knows."""
    return _scripts().get_current_head() or ""


def is_known(revision: str) -> bool:
    """Whether this release knows a schema."""
    return any(script.revision == revision for script in _scripts().walk_revisions())


@cache
def _scripts() -> ScriptDirectory:
    with as_file(files("storage") / "migrations") as scripts:
        return ScriptDirectory(str(scripts))
