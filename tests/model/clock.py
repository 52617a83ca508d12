"""The model's clock. PostgreSQL and the leases read it, and only the model moves it.

A schema before PostgreSQL's own in the search path defines `now()` and `clock_timestamp()`. Each reading is a
microsecond later than the one before, as in production. One UPDATE lets hours pass, also during an open transaction.
"""

from sqlalchemy import Engine, event, text
from sqlalchemy.pool import ConnectionPoolEntry

from storage.database import Database

_CREATE = """
    DROP SCHEMA IF EXISTS model CASCADE;
    CREATE SCHEMA model;
    CREATE SEQUENCE model.look;
    CREATE TABLE model.clock (moment timestamptz NOT NULL);
    CREATE FUNCTION model.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
        $$ SELECT moment + nextval('model.look') * interval '1 microsecond' FROM model.clock $$;
    CREATE FUNCTION model.now() RETURNS timestamptz LANGUAGE sql STABLE AS
        $$ SELECT moment + last_value * interval '1 microsecond' FROM model.clock, model.look $$;
"""

_START = """
    DELETE FROM model.clock;
    INSERT INTO model.clock VALUES ('2030-01-01');
    ALTER SEQUENCE model.look RESTART;
"""


class Clock:
    """Also replaces the module `time`: `monotonic` reads this clock."""

    def __init__(self, database: Database, *, lock_timeout: str) -> None:
        """Create the schema and put it first in the search path of every later connection.

        A wait for a lock ends after `lock_timeout`, of real time.
        """
        self._database = database
        self._lock_timeout = lock_timeout
        with database.transaction() as session:
            session.execute(text(_CREATE))
        database.dispose()
        event.listen(engine_of(database), "connect", self._set_clock)
        self.start_again()

    def start_again(self) -> None:
        """Reset the clock to the beginning of a run."""
        self._elapsed = 0.0
        with self._database.transaction() as session:
            session.execute(text(_START))

    def monotonic(self) -> float:
        """Seconds on the model's clock."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed += seconds
        with self._database.transaction() as session:
            session.execute(
                text("UPDATE model.clock SET moment = moment + make_interval(secs => :seconds)"), {"seconds": seconds}
            )

    def _set_clock(self, connection: "_Connection", _entry: ConnectionPoolEntry) -> None:
        connection.autocommit = True
        connection.execute("SET search_path TO model, pg_catalog, public")
        connection.execute(f"SET lock_timeout TO '{self._lock_timeout}'")
        connection.autocommit = False


def engine_of(database: Database) -> Engine:
    """The events that the model listens to."""
    return database._engine


class _Connection:
    """The used part of a psycopg connection."""

    autocommit: bool

    def execute(self, statement: str) -> object: ...
