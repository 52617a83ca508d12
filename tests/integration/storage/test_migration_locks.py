"""A migration does not hold up the running system while other transactions keep the locks of tables."""

import pytest
from sqlalchemy import Connection, text

from storage import migrate
from storage.migrate import MigrationBlocked, upgrade
from tests.integration.storage import schema
from tests.integration.storage.test_migrations import NewDatabase, new_database, templates, url_of

__all__ = ["new_database", "templates"]

_INSERTS = text("LOCK TABLE events IN ROW EXCLUSIVE MODE")


@pytest.fixture(autouse=True)
def _is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "_LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(migrate, "_TRIES", 2)
    monkeypatch.setattr(migrate, "_PAUSE_SECONDS", 0.0)


def _pid(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_migration_gives_up_with_the_names_of_transactions_that_keep_a_lock(new_database: NewDatabase) -> None:
    engine = new_database("0018")
    with engine.connect() as holder:
        holder.execute(text("SET application_name = 'a forgotten psql'"))
        holder.execute(_INSERTS)
        with pytest.raises(
            MigrationBlocked, match=rf"{_pid(holder)} \(a forgotten psql, idle in transaction, open for"
        ):
            upgrade(url_of(engine))
    upgrade(url_of(engine))


@pytest.mark.parametrize("old", ["0018", "0019"])
def test_migration_goes_on_once_the_lock_is_free_and_others_write_meanwhile(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch, old: str
) -> None:
    engine, expected = new_database(old), new_database(migrate.newest())
    # 0020 locks no table of others, so a table of the same name is in its way.
    table = "events" if old == "0018" else "alembic_version"
    pauses = []
    with engine.connect() as holder, engine.connect() as beside:
        holder.execute(text(f"LOCK TABLE {table} IN SHARE MODE"))

        def pause(_seconds: float) -> None:
            beside.execute(text(f"LOCK TABLE {table} IN ACCESS SHARE MODE NOWAIT"))
            beside.rollback()
            holder.rollback()
            pauses.append(_seconds)

        monkeypatch.setattr("storage.migrate.time.sleep", pause)
        upgrade(url_of(engine))
    assert len(pauses) == 1
    assert schema.read(engine) == schema.read(expected)


def test_build_of_an_index_waits_for_older_transactions_without_a_limit(new_database: NewDatabase) -> None:
    engine = new_database("0001")
    with engine.connect() as connection:
        migrate._limit_waits(engine)
        connection.execute(text("CREATE TABLE one (number integer)"))
        limits = []
        for statement in ("SELECT 1", "SELECT 1 -- CONCURRENTLY"):
            connection.execute(text(statement))
            # The driver's own cursor: the limit is not set anew.
            cursor = connection.connection.cursor()
            cursor.execute("SHOW lock_timeout")
            limits.append(cursor.fetchone())
    assert limits == [("100ms",), ("0",)]
