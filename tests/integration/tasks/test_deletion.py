"""The deletion of a customer removes the customer's keys, files, prompts and uploads. The ledger stays."""

import pytest
from sqlalchemy import text

from schemas.enums import Stage, SweepKind
from schemas.errors import NotFound
from schemas.media_types import PNG
from schemas.setting_groups import RetentionSettings
from storage import customers, erasure
from storage.audit import audit
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of
from storage.sweeps import sweep
from tasks.services import WorkerServices
from tests.integration.tasks.conftest import Lives, give
from tests.media_files.images import png

ENDED = frozenset({Stage.COMPLETED, Stage.FAILED, Stage.CANCELLED})
WORD = "s3cret"
REQUEST: dict[str, object] = {"prompt": f"a {WORD}", "metadata": {"note": WORD}}


def everything(database: Database) -> str:
    """Every row of every table, as text."""
    with database.transaction() as session:
        tables = session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        return "\n".join(
            row for table in tables for row in session.execute(text(f"SELECT t::text FROM {table} t")).scalars()
        )


def test_deletion_removes_content_and_keys_and_keeps_the_ledger(
    lives: Lives, worker: WorkerServices, database: Database, objects: ObjectStore
) -> None:
    life = lives.begin(REQUEST)
    assert life.go(until=ENDED) is Stage.COMPLETED
    upload = give(database, objects, life.customer, png(8, 8), PNG)
    keys = [*(asset.object_key for asset in life.assets), upload.object_key]
    balance = life.balance

    assert erasure.delete_customer(database, objects, life.customer.id) == 0

    assert WORD not in everything(database)
    assert [objects.stat(key) for key in keys] == [None, None]
    assert life.balance == balance
    with database.transaction() as session:
        assert customers.authenticate(of(session), life.customer.api_key) is None
    assert audit(database, objects).breaches == []
    with pytest.raises(NotFound):
        erasure.delete_customer(database, objects, life.customer.id)


def test_unsent_generation_is_cancelled_and_one_under_way_is_erased_after_its_end(
    lives: Lives, worker: WorkerServices, database: Database, objects: ObjectStore
) -> None:
    life = lives.begin(REQUEST)
    life.go(until=frozenset({Stage.GENERATING}))
    other = lives.begin(REQUEST)

    assert erasure.delete_customer(database, objects, life.customer.id) == 1
    assert erasure.delete_customer(database, objects, other.customer.id) == 0

    assert other.row.stage is Stage.CANCELLED
    assert (other.balance.available, other.balance.held) == (1000, 0)
    assert list(erasure.waiting(database)) == [life.customer.id]
    assert life.go(until=ENDED) is Stage.COMPLETED
    swept = list(sweep(database, objects, RetentionSettings(), kinds=[SweepKind.DELETED]))
    assert [(one.kind, one.interrupted_by) for one in swept] == [(SweepKind.DELETED, None)]
    assert WORD not in everything(database)
    assert list(erasure.waiting(database)) == []
    assert audit(database, objects).breaches == []


def test_deletion_takes_the_test_customer_along_and_frees_the_services_number(
    worker: WorkerServices, database: Database, objects: ObjectStore
) -> None:
    with database.transaction() as session:
        service = customers.create_service(session, "shop")
        first = customers.ensure_customer_of(session, service.id, "123")
        customers.ensure_test_customer(session, first)

    erasure.delete_customer(database, objects, first)

    with database.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM customers WHERE deleted_at IS NULL")).scalar_one() == 0
        assert customers.ensure_customer_of(session, service.id, "123") != first
