"""Migrates a database to the newest schema."""

import time
from functools import cache
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from storage.database import with_driver

# An arbitrary constant. All processes that migrate a database must use the same constant.
_MIGRATION_LOCK = 7_336_905
_ASK_AGAIN_SECONDS = 0.2


def upgrade(database_url: str) -> None:
    """Apply every migration that the database lacks. Safe to call from several processes at once."""
    engine = create_engine(with_driver(database_url))
    try:
        with as_file(files("storage") / "migrations") as scripts, engine.connect() as connection:
            _wait_for_our_turn(connection)
            config = Config()
            config.set_main_option("script_location", str(scripts))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


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
