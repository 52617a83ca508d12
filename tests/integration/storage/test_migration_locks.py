"""A migration does not hold up the running system while other transactions keep the locks of tables."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, text

from storage import migrate
from storage.migrate import MigrationBlocked, upgrade
from tests.integration.storage import releases, schema
from tests.integration.storage.test_migrations import NewDatabase, new_database, templates, url_of
from tests.support import eventually

# Each test migrates several databases.
pytestmark = pytest.mark.slow

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


def _eventually(engine: Engine, condition: str, pid: int) -> None:
    """Wait until a condition about a session holds."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watcher:
        eventually(lambda: watcher.execute(text(f"SELECT {condition}"), {"pid": pid}).scalar_one(), bool)


_WAITS = "cardinality(pg_blocking_pids(:pid)) > 0"
_HOLDS_UP = "EXISTS (SELECT FROM pg_stat_activity WHERE :pid = ANY(pg_blocking_pids(pid)))"


def test_migration_that_postgresql_ends_for_a_deadlock_is_tried_again(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, expected = new_database("0022"), new_database(migrate.newest())
    monkeypatch.setattr(migrate, "_LOCK_TIMEOUT", "1min")
    pauses = []
    # 0023 locks key_spending, customer_limits and api_keys, in this order.
    with engine.connect() as worker, engine.connect() as beside, ThreadPoolExecutor(2) as threads:
        # The worker looks for deadlocks later than the migration, so PostgreSQL ends the migration.
        worker.execute(text("SET deadlock_timeout = '1min'"))
        worker.execute(text("LOCK TABLE api_keys IN ROW EXCLUSIVE MODE"))
        beside.execute(text("LOCK TABLE customer_limits IN ROW EXCLUSIVE MODE"))
        pid = _pid(worker)
        migrated = threads.submit(upgrade, url_of(engine))
        _eventually(engine, _HOLDS_UP, _pid(beside))
        reads = threads.submit(worker.execute, text("SELECT FROM key_spending"))
        _eventually(engine, _WAITS, pid)

        def pause(_seconds: float) -> None:
            reads.result()
            worker.rollback()
            pauses.append(_seconds)

        monkeypatch.setattr("storage.migrate.time.sleep", pause)
        beside.rollback()
        migrated.result()
    assert len(pauses) == 1
    assert schema.read(engine) == schema.read(expected)


def test_worker_that_asks_for_a_place_meets_no_deadlock_with_the_rest_of_admission(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = new_database("0027")
    monkeypatch.setattr(migrate, "_LOCK_TIMEOUT", "1min")
    with engine.connect() as worker, ThreadPoolExecutor(1) as threads:
        # An ask inserts into admissions. A trigger of admissions then reads quota_orders.
        worker.execute(text("LOCK TABLE admissions IN ROW EXCLUSIVE MODE"))
        migrated = threads.submit(upgrade, url_of(engine))
        _eventually(engine, _HOLDS_UP, _pid(worker))
        worker.execute(text("SELECT FROM quota_orders"))
        worker.rollback()
        migrated.result()


def test_orders_of_the_previous_release_wait_where_their_limits_say_so(new_database: NewDatabase) -> None:
    engine = new_database("0027")
    with engine.begin() as connection:
        releases.work_as(connection, "0027")
        connection.execute(text("UPDATE customer_limits SET on_limit = 'reject'"))
    before = text("""
        SELECT generation_id, holder_id, EXISTS (
            SELECT FROM quota_waits(generation_id) AS part WHERE part.holder_id = quota_orders.holder_id
        ) FROM quota_orders ORDER BY 1, 2
    """)
    after = text("SELECT generation_id, holder_id, waits FROM quota_orders ORDER BY 1, 2")
    with engine.begin() as connection:
        expected = connection.execute(before).all()
    upgrade(url_of(engine))
    with engine.begin() as connection:
        assert connection.execute(after).all() == expected
    assert {waits for _, _, waits in expected} == {True, False}


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
