"""The model's clock: PostgreSQL and the leases read it, and only the model moves it.

A schema that is searched before PostgreSQL's own holds `now()` and `clock_timestamp()`. Every look at the clock is a
microsecond later than the one before, as in life; hours pass in one UPDATE, also over a transaction that stands open.
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

# Whoever waits for a row that a paused worker has locked waits in vain: real time is not the model's.
_LOCK_TIMEOUT = "50ms"


class Clock:
    """Stands in for the module `time`, too: `monotonic` is this clock's."""

    def __init__(self, database: Database) -> None:
        """Makes the schema, and has every connection that the database opens from now on look at it first."""
        self._database = database
        with database.transaction() as session:
            session.execute(text(_CREATE))
        database.dispose()
        event.listen(engine_of(database), "connect", _use_model_clock)
        self.start_again()

    def start_again(self) -> None:
        """Set it back to where every run begins."""
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


def engine_of(database: Database) -> Engine:
    """Where the model listens."""
    return database._engine


def _use_model_clock(connection: "_Connection", _entry: ConnectionPoolEntry) -> None:
    connection.autocommit = True
    connection.execute("SET search_path TO model, pg_catalog, public")
    connection.execute(f"SET lock_timeout TO '{_LOCK_TIMEOUT}'")
    connection.autocommit = False


class _Connection:
    """The part of a psycopg connection that is used here."""

    autocommit: bool

    def execute(self, statement: str) -> object: ...
