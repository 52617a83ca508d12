"""The totals of a customer's uploads follow the rows, whatever writes them."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from schemas.enums import SweepKind
from schemas.media_types import PNG
from schemas.setting_groups import InputSettings, RetentionSettings
from schemas.tables import Upload
from storage import upload_quota, uploads
from storage.database import Database
from storage.objects import ObjectStore
from storage.sweeps import sweep
from tests.support import NewCustomer

DAY = timedelta(days=1)

MakeCustomer = Callable[[int], NewCustomer]


def store(
    database: Database,
    objects: ObjectStore,
    customer: NewCustomer,
    content: bytes,
    measure: Callable[[], float | None] = lambda: None,
) -> Upload:
    limits = InputSettings(max_stored_uploads=2)
    return uploads.store(
        database, objects, customer.id, io.BytesIO(content), PNG, limits, keep_for=DAY, measure=measure
    )


def use(database: Database, customer: NewCustomer) -> tuple[int, int]:
    with database.statement() as sql:
        stored = upload_quota.stored(sql, customer.id)
    return stored.count, stored.size_bytes


def kept_totals(database: Database) -> list[tuple[int, int]]:
    with database.transaction() as session:
        rows = session.execute(text("SELECT stored_uploads, stored_bytes FROM customers"))
        return sorted((row.stored_uploads, row.stored_bytes) for row in rows)


def test_a_crash_between_the_file_and_its_row_takes_nothing_of_the_quota(
    database: Database, objects: ObjectStore, make_customer: MakeCustomer
) -> None:
    def crash() -> float:
        raise KeyboardInterrupt

    customer = make_customer(0)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            store(database, objects, customer, b"a picture", crash)
    assert len(list(objects.list(f"{uploads.PREFIX}{customer.id}/"))) == 3
    assert use(database, customer) == (0, 0)
    store(database, objects, customer, b"a picture")
    assert use(database, customer) == (1, len(b"a picture"))


def test_a_sweep_of_many_customers_uploads_keeps_every_total(
    database: Database, objects: ObjectStore, make_customer: MakeCustomer
) -> None:
    one, other = make_customer(0), make_customer(0)
    for customer in (one, other):
        store(database, objects, customer, b"old")
    with database.transaction() as session:
        session.execute(text("UPDATE uploads SET expires_at = now() - interval '1 minute'"))
    assert use(database, one) == use(database, other) == (0, 0)
    store(database, objects, one, b"new one")
    assert use(database, one) == (1, len(b"new one"))
    assert kept_totals(database) == [(1, 3), (2, 10)]

    (swept,) = sweep(database, objects, RetentionSettings(), kinds={SweepKind.UPLOADS})

    assert swept.total.count == 2
    assert kept_totals(database) == [(0, 0), (1, len(b"new one"))]
    assert (use(database, one), use(database, other)) == ((1, len(b"new one")), (0, 0))
