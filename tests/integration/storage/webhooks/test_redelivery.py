"""The cost of a redelivery does not grow with the failures of other customers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from bench.instruments.rows_read import CountingSql
from storage.database import Database
from storage.webhooks import deliveries
from tests.integration.notify.webhooks.conftest import an_endpoint, pending
from tests.support import NewCustomer

_END = text("UPDATE webhook_deliveries SET state = :state, ended_at = now() WHERE state = 'pending'")


def test_redelivery_of_failures_reads_those_of_the_customer_only(
    database: Database, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer, other = make_customer(1000), make_customer(1000)
    mine, theirs = (an_endpoint(database, each, "https://shop.example") for each in (customer, other))
    for endpoint_id, count, state in ((mine, 3000, "delivered"), (mine, 1, "failed"), (theirs, 300, "failed")):
        pending(database, endpoint_id, count)
        with database.transaction() as session:
            session.execute(_END, {"state": state})
    now = datetime.now(UTC)
    meant = {
        "customer_id": customer.id, "endpoint_id": mine, "since": now - timedelta(hours=1), "until": now,
        "states": list(deliveries.UNDELIVERED), "most": 10_001,
    }  # fmt: skip
    with database.transaction() as session:
        session.execute(text("ANALYZE webhook_deliveries"))
        counting = CountingSql(session)
        assert counting.all(deliveries._COUNT, **meant) == [1]
    assert counting.rows < 20, counting.plans
