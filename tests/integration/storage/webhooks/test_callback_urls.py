"""An order resumes the endpoint of its `callback_url`, unless the customer paused the endpoint."""

from collections.abc import Callable

import pytest

from schemas.webhooks import PauseReason
from storage.database import Database
from storage.webhooks import callback_urls
from tests.integration.notify.webhooks.conftest import endpoint
from tests.support import NewCustomer

URL = "https://shop.example/hooks"

_PAUSE = """
    UPDATE webhook_endpoints
    SET paused_at = now(), paused_reason = %(reason)s, failing_since = now() - interval '6 days',
        used_at = now() - make_interval(hours => %(hours)s)
"""


@pytest.mark.parametrize(
    ("reason", "hours", "is_paused"),
    [
        (PauseReason.FAILING, 2, False),
        (PauseReason.GONE, 2, False),
        (PauseReason.FAILING, 0, True),
        (PauseReason.REQUESTED, 2, True),
    ],
)
def test_order_resumes_an_endpoint_that_failed_once_an_hour(
    database: Database,
    make_customer: Callable[[int], NewCustomer],
    reason: PauseReason,
    hours: int,
    is_paused: bool,
) -> None:
    customer = make_customer(100)
    with database.statements() as sql:
        ((_, endpoint_id),) = callback_urls.endpoints_of(sql, customer.id, [URL]).items()
        sql.run(_PAUSE, reason=reason, hours=hours)
        callback_urls.endpoints_of(sql, customer.id, [URL])
    now = endpoint(database, endpoint_id)
    assert (now.paused_at is not None, now.paused_reason) == (is_paused, reason if is_paused else None)
    assert now.failing_since is not None
