"""Bring a database to the newest schema."""

import time
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

from storage.database import with_driver

# Any constant: it only has to be the same for all who migrate one database.
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
    """Return once no other process migrates; whoever comes second then finds nothing left to do."""
    # Asked again and again instead of waited for: an index that is built concurrently waits for every open
    # transaction, and so for a process that waits for the builder in one.
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _MIGRATION_LOCK}):
        connection.commit()
        time.sleep(_ASK_AGAIN_SECONDS)
    connection.commit()
