"""The rows that fill a gallery are such as the pipeline leaves."""

from collections.abc import Callable

from schemas.settings import Settings
from storage import sql
from storage.audit import audit
from storage.database import Database
from storage.finding import Filters, find
from storage.objects import ObjectStore
from tests.support import NewCustomer
from tests.web.gallery_rows import fill


def test_an_audit_finds_nothing_wrong_and_the_list_has_every_row(
    settings: Settings, database: Database, objects: ObjectStore, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer = make_customer(100)
    made = fill(settings, customer.id, 70)
    assert audit(database, objects).breaches == []
    with database.transaction() as session:
        assert set(find(sql.of(session), Filters(customer.id), None, limit=100).ids) == set(made)
