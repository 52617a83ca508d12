"""Results of tries are recorded, one by one where some cannot be."""

import asyncio
from datetime import UTC, datetime

from notify.webhooks.recorder import Recorder
from notify.webhooks.sender import Try
from notify.webhooks.verdicts import verdict
from schemas.settings import Settings
from storage.database import AsyncDatabase, Database
from storage.sql import of
from storage.webhooks import sending
from storage.webhooks.sending import Tried
from tests.integration.notify.webhooks.conftest import an_endpoint, attempts, deliveries, pending
from tests.support import NewCustomer


async def _record(settings: Settings, results: list[Tried]) -> None:
    database = AsyncDatabase(settings.database_url, pool_size=1)
    recorder = Recorder(database, pause_after_seconds=86_400)
    waiting = [asyncio.create_task(recorder.record(each)) for each in results]
    await asyncio.sleep(0)
    running = asyncio.create_task(recorder.run())
    await asyncio.gather(*waiting)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.dispose()


def test_result_that_cannot_be_recorded_loses_no_other(
    database: Database, settings: Settings, customer: NewCustomer
) -> None:
    endpoint_id = an_endpoint(database, customer, "https://shop.example")
    pending(database, endpoint_id, 3)
    with database.transaction() as session:
        claims = sending.claim(of(session), {endpoint_id: 3}, lease_seconds=60)
    now = datetime.now(UTC)
    # PostgreSQL takes no NUL character.
    made = [Try(now, 0.1, 200, answer="yes"), Try(now, 0.1, 200, answer="\0"), Try(now, 0.1, 200, answer="yes")]
    asyncio.run(_record(settings, [verdict(*each, []) for each in zip(claims, made, strict=True)]))
    states = {each.id: each.state for each in deliveries(database, endpoint_id)}
    assert [states[each.delivery_id] for each in claims] == ["delivered", "pending", "delivered"]
    assert [len(attempts(database, each.delivery_id)) for each in claims] == [1, 0, 1]
