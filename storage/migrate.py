"""Bring a database to the newest schema."""

from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

# Any constant: it only has to be the same for all who migrate one database.
_MIGRATION_LOCK = 7_336_905


def upgrade(database_url: str) -> None:
    """Apply every migration that the database lacks. Safe to call from several processes at once."""
    engine = create_engine(database_url)
    try:
        with as_file(files("storage") / "migrations") as scripts, engine.connect() as connection:
            # Whoever comes second waits here and then finds nothing left to do.
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
            connection.commit()
            config = Config()
            config.set_main_option("script_location", str(scripts))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
