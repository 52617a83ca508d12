"""The previous release works on the schema of each new revision."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlmodel import SQLModel

from schemas.settings import Settings
from storage.database import with_driver
from storage.migrate import upgrade
from tests.integration.storage import releases, schema
from tests.support import eventually

SCRIPTS = Path("storage/migrations")

NewDatabase = Callable[..., Engine]

UPGRADE = "import sys; from storage.migrate import upgrade; upgrade(sys.argv[1])"


def scripts(*more: Path) -> Config:
    """The migrations, and those of other folders."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(folder) for folder in (SCRIPTS / "versions", *more)))
    return config


REVISIONS = [script.revision for script in ScriptDirectory.from_config(scripts()).walk_revisions()][::-1]
STEPS = list(pairwise(REVISIONS))
# A step never changes once it is released, so `make test-slow` tries the older ones.
EACH_REVISION = [*(pytest.param(revision, marks=pytest.mark.slow) for revision in REVISIONS[:-2]), *REVISIONS[-2:]]
EACH_STEP = [*(pytest.param(*step, marks=pytest.mark.slow) for step in STEPS[:-2]), *STEPS[-2:]]


def migrate(engine: Engine, revision: str, config: Config | None = None) -> schema.Schema:
    """Bring a database to a revision; its schema then."""
    config = config or scripts()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return schema.read(engine)


@pytest.fixture(scope="module")
def templates(settings: Settings) -> Iterator["Templates"]:
    """The databases to copy, one for each revision that a test begins with."""
    server = create_engine(with_driver(settings.database_url), isolation_level="AUTOCOMMIT")
    templates = Templates(server)
    yield templates
    for name in templates.made:
        templates.drop(name)
    server.dispose()


class Templates:
    """Migrates one database to each revision, and copies it: a copy takes a fraction of the time."""

    def __init__(self, server: Engine) -> None:
        self.made: set[str] = set()
        self._server = server

    def copy(self, name: str, revision: str | None) -> Engine:
        """A new database at a revision. None: an empty one."""
        template = "template1" if revision is None else self._at(revision)
        self._create(name, template)
        return create_engine(self._server.url.set(database=name))

    def drop(self, name: str) -> None:
        """Drop a database, if it exists."""
        with self._server.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))

    def _at(self, revision: str) -> str:
        name = f"migrated_to_{revision}"
        if name not in self.made:
            self._create(name, "template1")
            engine = create_engine(self._server.url.set(database=name))
            migrate(engine, revision)
            # A database is copied only while no connection is open.
            engine.dispose()
            self.made.add(name)
        return name

    def _create(self, name: str, template: str) -> None:
        self.drop(name)
        with self._server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))


@pytest.fixture
def new_database(templates: Templates) -> Iterator[NewDatabase]:
    """Makes databases, at a revision or empty, and drops them at the end."""
    engines: list[Engine] = []

    def make(revision: str | None = None) -> Engine:
        engines.append(templates.copy(f"migrations_{len(engines)}", revision))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()
        assert engine.url.database is not None
        templates.drop(engine.url.database)


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def rows(engine: Engine, known: schema.Schema) -> dict[str, Sequence[object]]:
    """Every row, as a release reads it that knows this schema."""
    found: dict[str, Sequence[object]] = {}
    with engine.connect() as connection:
        for name, table in known.items():
            columns = ", ".join(f'"{column}"' for column in table.columns)
            found[name] = connection.execute(text(f"SELECT {columns} FROM {name} ORDER BY {columns}")).all()
    return found


def test_migrations_match_the_models(new_database: NewDatabase) -> None:
    migrated, modelled = new_database(), new_database()
    upgrade(url_of(migrated))
    SQLModel.metadata.create_all(modelled)
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    # Alembic compares no CHECK.
    assert schema.read(migrated) == schema.read(modelled)


@pytest.mark.parametrize("revision", EACH_REVISION)
def test_releases_fill_every_column_of_their_tables(new_database: NewDatabase, revision: str) -> None:
    """`releases` must fill each new column, because only then the next revision is tested against the column."""
    engine = new_database(revision)
    known = schema.read(engine)
    with engine.begin() as connection:
        releases.work_as(connection, revision)
        for name, table in known.items():
            counts = ", ".join(f'count("{column}") AS "{column}"' for column in table.columns)
            used = connection.execute(text(f"SELECT {counts} FROM {name}")).one()._mapping
            assert [f"{name}.{column}" for column in table.columns if not used[column]] == []


@pytest.mark.parametrize(("old", "new"), EACH_STEP)
def test_upgrade_keeps_every_row_of_the_previous_release(new_database: NewDatabase, old: str, new: str) -> None:
    engine = new_database(old)
    known = schema.read(engine)
    with engine.begin() as connection:
        releases.work_as(connection, old)
    before = rows(engine, known)
    migrate(engine, new)
    after = rows(engine, known)
    assert [(name, row) for name, kept in before.items() for row in kept if row not in after[name]] == []


@pytest.mark.parametrize(("old", "new"), EACH_STEP)
def test_previous_release_works_on_the_new_schema(new_database: NewDatabase, old: str, new: str) -> None:
    before, after = new_database(old), new_database(new)
    for engine in (before, after):
        with engine.begin() as connection:
            releases.work_as(connection, old)
    broken = schema.breaks(schema.read(before), schema.read(after))
    assert [problem for problem in broken if problem not in releases.ACCEPTED] == []


def test_totals_of_uploads_include_those_of_the_previous_release(new_database: NewDatabase) -> None:
    engine = new_database("0005")
    with engine.begin() as connection:
        releases.work_as(connection, "0005")
        connection.execute(text("INSERT INTO customers (id, name) VALUES (gen_random_uuid(), 'a customer without')"))
    migrate(engine, "0006")

    def totals(then: str) -> list[tuple[int, int]]:
        """The totals of both customers after a statement of the previous release."""
        with engine.begin() as connection:
            connection.execute(text(then))
            kept = connection.execute(text("SELECT stored_uploads, stored_bytes FROM customers"))
            return sorted((row.stored_uploads, row.stored_bytes) for row in kept)

    assert totals("SELECT") == [(0, 0), (2, 2)]
    assert totals("DELETE FROM uploads WHERE object_key = 'uploads/2.mp4'") == [(0, 0), (1, 1)]
    more = """
        INSERT INTO uploads (id, customer_id, object_key, content_type, size_bytes, sha256, expires_at)
        SELECT gen_random_uuid(), customers.id, 'uploads/' || n || name, 'image/png', 10, 'a hash', now()
        FROM customers, generate_series(1, 3) AS n
    """
    assert totals(more) == [(3, 30), (4, 31)]


BUILDS = text("""
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'
""")


@contextmanager
def migrating(engine: Engine, revision: str) -> Iterator[Connection]:
    """A migration that waits in its first build of an index until the block ends, and a transaction beside it."""
    with ThreadPoolExecutor(1) as threads, engine.connect() as reader:
        # A build waits for each older snapshot. This transaction locks no table.
        reader.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        reader.execute(text("SELECT"))
        migrated = threads.submit(migrate, engine, revision)
        try:
            # Each look is a transaction: one transaction sees the same activity again and again.
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watcher:
                eventually(lambda: watcher.execute(BUILDS).scalar_one() or migrated.done(), bool)
            assert not migrated.done(), "the migration built no index concurrently"
            with engine.begin() as beside:
                beside.execute(text("SET LOCAL lock_timeout = '5s'"))
                yield beside
        finally:
            reader.rollback()
        migrated.result()


@pytest.mark.parametrize(
    ("old", "new"), [step for step in STEPS if step[1] in {"0006", "0009", "0015", "0016", "0028"}]
)
def test_previous_release_writes_while_an_index_is_built(new_database: NewDatabase, old: str, new: str) -> None:
    engine = new_database(old)
    with migrating(engine, new) as beside:
        releases.work_as(beside, old)


def test_totals_of_uploads_include_changes_during_the_migration(new_database: NewDatabase) -> None:
    engine = new_database("0005")
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO customers (id, name) SELECT gen_random_uuid(), n FROM generate_series(1, 250) n")
        )
        connection.execute(
            text("""
                INSERT INTO uploads (id, customer_id, object_key, content_type, size_bytes, sha256, expires_at)
                SELECT gen_random_uuid(), id, 'uploads/' || id || n, 'image/png', n, 'a hash', now()
                FROM customers, generate_series(1, 2) n
            """)
        )
    with migrating(engine, "0006") as beside:
        beside.execute(text("DELETE FROM uploads WHERE size_bytes = 1"))
    totals = text("SELECT stored_uploads, stored_bytes, count(*) FROM customers GROUP BY 1, 2")
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(totals)] == [(1, 2, 250)]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("op.drop_column('generations', 'claimed_at')", "column generations.claimed_at is gone"),
        ("op.alter_column('assets', 'codec', new_column_name='encoder')", "column assets.codec is gone"),
        ("op.drop_table('callback_receipts')", "table callback_receipts is gone"),
        ("op.alter_column('assets', 'width', type_=sa.BigInteger())", "column assets.width was INTEGER and is BIGINT"),
        ("op.alter_column('api_keys', 'revoked_at', nullable=False)", "column api_keys.revoked_at may not be NULL"),
        ("op.alter_column('events', 'created_at', server_default=None)", "column events.created_at has no default"),
        ("op.add_column('customers', sa.Column('plan', sa.Text(), nullable=False))", "column customers.plan is new"),
        ("op.create_check_constraint('short', 'customers', 'length(name) < 9')", "customers has the new rule short"),
        ("op.create_unique_constraint('one', 'customers', ['name'])", "table customers has the new rule one"),
    ],
)
def test_revision_that_breaks_the_previous_release_is_found(
    new_database: NewDatabase, tmp_path: Path, change: str, problem: str
) -> None:
    engine = new_database(REVISIONS[-1])
    old = schema.read(engine)
    new = migrate(engine, "thrown_away", scripts(thrown_away(tmp_path, change)))
    (found,) = [broken for broken in schema.breaks(old, new) if problem in broken]
    assert found


def test_revision_that_only_adds_passes(new_database: NewDatabase, tmp_path: Path) -> None:
    add = """
    op.add_column('customers', sa.Column('plan', sa.Text(), server_default='basic', nullable=False))
    op.add_column('customers', sa.Column('note', sa.Text(), nullable=True))
    op.create_table('plans', sa.Column('id', sa.Uuid(), primary_key=True), sa.Column('name', sa.Text(), nullable=False))
    op.create_index('ix_customers_name', 'customers', ['name'])
    """
    engine = new_database(REVISIONS[-1])
    old = schema.read(engine)
    new = migrate(engine, "thrown_away", scripts(thrown_away(tmp_path, add.strip())))
    assert schema.breaks(old, new) == []


def thrown_away(folder: Path, change: str) -> Path:
    """A folder with one more revision."""
    imports = "import sqlalchemy as sa\nfrom alembic import op"
    names = f"revision = 'thrown_away'\ndown_revision = {REVISIONS[-1]!r}"
    (folder / "thrown_away.py").write_text(f"{imports}\n\n{names}\n\n\ndef upgrade():\n    {change}\n")
    return folder


def test_generations_before_and_beside_the_labels_are_labelled(new_database: NewDatabase) -> None:
    """Lists show the generations that were there before the labels, and those that an older release accepts later."""
    engine = new_database("0005")
    order = """{"metadata": {"shop": "7"}, "inputs": {"prompt": "two boats"}}"""
    insert = text("""
        INSERT INTO generations (id, customer_id, request_hash, kind, model, "order", credits, stage, progress, wake_at,
                                 deadline_at, attempt, failures, provider, route_index, result_urls)
        SELECT gen_random_uuid(), id, 'a hash', 'video', 'a model', :order, 1, 'queued', 0, now(), now(), 0, 0,
               'kie', 0, '[]' FROM customers
    """)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO customers (id, name) VALUES (gen_random_uuid(), 'a customer')"))
        connection.execute(insert, {"order": order})
    migrate(engine, "head")
    with engine.begin() as connection:
        connection.execute(insert, {"order": order})
    labelled = text("""
        SELECT l.kind, l.model, l.metadata, l.search::text, l.created_at = g.created_at,
               (SELECT count(*) FROM generation_terms t WHERE t.generation_id = g.id
                AND t.term IN (generation_term(g.customer_id, 'word', 'boat'),
                               generation_term(g.customer_id, 'entry', E'shop\\x1f7')))
        FROM generations g JOIN generation_labels l ON l.generation_id = g.id
    """)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(labelled)]
    assert found == [("video", "a model", {"shop": "7"}, "'boat':2 'two':1", True, 2)] * 2


@pytest.mark.timeout(1200)
def test_concurrent_upgrades_apply_each_migration_once(new_database: NewDatabase) -> None:
    engine = new_database()
    upgrades = [subprocess.Popen([sys.executable, "-c", UPGRADE, url_of(engine)]) for _ in range(3)]
    try:
        assert [process.wait(300) for process in upgrades] == [0, 0, 0]
    finally:
        for process in upgrades:
            process.kill()
            process.wait()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [REVISIONS[-1]]
