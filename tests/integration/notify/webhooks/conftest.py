"""Endpoints of a test's customer, and processes that send to them."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb
from sqlmodel import col, select

from notify.alarms import Alarms
from notify.webhooks import part
from schemas.event_types import EventType
from schemas.settings import Settings
from schemas.webhook_settings import WebhookSettings
from schemas.webhook_tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from storage.database import AsyncDatabase, Database
from storage.sql import of
from tests.support import NewCustomer, eventually
from tests.webhook_receiver import Receiver, receiving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    return make_customer(1000)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture(autouse=True)
def _is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Walk often, and end at once."""
    monkeypatch.setattr("notify.webhooks.dispatcher._WALK_SECONDS", 0.1)
    monkeypatch.setattr("notify.webhooks.dispatcher._STOP_SECONDS", 0.1)


@pytest.fixture
def webhook_settings(settings: Settings) -> Settings:
    """Settings that allow loopback, with short gaps."""
    webhooks = WebhookSettings(
        allow_http=True,
        allowed_private_networks=[ip_network("127.0.0.0/8")],
        retry_gaps_seconds=[0.1, 0.1],
        timeout_seconds=30,
    )
    return settings.model_copy(update={"webhooks": webhooks})


Sending = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def sending(webhook_settings: Settings) -> Sending:
    """Sends webhooks while a block runs, as the process `notify` does."""
    return lambda: sending_with(webhook_settings)


@contextmanager
def sending_with(settings: Settings) -> Iterator[None]:
    """Send webhooks in a thread."""
    is_over, loop = asyncio.Event(), asyncio.new_event_loop()

    async def inside() -> None:
        database = AsyncDatabase(settings.database_url, pool_size=3)
        running = asyncio.create_task(part.run(settings, database, Alarms()))
        await is_over.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await database.dispose()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(inside())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join()


def an_endpoint(
    database: Database, customer: NewCustomer, url: str, *, types: Sequence[str] = ("*",), **values: Any
) -> UUID:
    """An endpoint of a customer."""
    with database.transaction() as session:
        row = WebhookEndpoint(customer_id=customer.id, url=url, types=list(types), secret=SECRET, **values)
        session.add(row)
        session.flush()
        return row.id


_MANY = """
    INSERT INTO webhook_deliveries (endpoint_id, customer_id, type, data)
    SELECT id, customer_id, %(type)s, %(data)s FROM webhook_endpoints, generate_series(1, %(count)s)
    WHERE id = %(endpoint_id)s
"""


def pending(database: Database, endpoint_id: UUID, count: int) -> None:
    """Deliveries that are due."""
    with database.transaction() as session:
        given = {"type": EventType.TEST, "data": Jsonb({}), "count": count, "endpoint_id": endpoint_id}
        of(session).run(_MANY, **given)


def deliveries(database: Database, endpoint_id: UUID) -> list[WebhookDelivery]:
    """The deliveries to an endpoint, the oldest first."""
    with database.transaction() as session:
        theirs = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
        return list(session.exec(theirs.order_by(col(WebhookDelivery.event_id), col(WebhookDelivery.created_at))).all())


def until_states(database: Database, endpoint_id: UUID, *states: str) -> list[WebhookDelivery]:
    """Wait until the deliveries to an endpoint have these states."""
    return eventually(
        lambda: deliveries(database, endpoint_id),
        lambda found: [each.state for each in found] == list(states),
    )


def attempts(database: Database, delivery_id: UUID) -> list[WebhookAttempt]:
    """The attempts of a delivery."""
    with database.transaction() as session:
        theirs = select(WebhookAttempt).where(WebhookAttempt.delivery_id == delivery_id)
        return list(session.exec(theirs.order_by(col(WebhookAttempt.number))).all())


def endpoint(database: Database, endpoint_id: UUID) -> WebhookEndpoint:
    """An endpoint as it is now."""
    with database.transaction() as session:
        return session.get_one(WebhookEndpoint, endpoint_id)
