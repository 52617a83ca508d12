"""The rows that fill a gallery are such as the pipeline leaves."""

from storage import sql
from storage.finding import Filters, find
from tests.e2e.conftest import System
from tests.web.gallery_rows import fill


def test_an_audit_finds_nothing_wrong_and_the_list_has_every_row(site: System) -> None:
    customer = site.customer()
    made = fill(site.stack.settings, customer.id, 70)
    assert site.audit().breaches == []
    with site.database.transaction() as session:
        assert set(find(sql.of(session), Filters(customer.id), None, limit=100).ids) == set(made)
