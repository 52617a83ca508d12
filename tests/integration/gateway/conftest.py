"""A gateway in front of the run's services."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import redis

from api_gateway import create_app
from schemas.settings import Settings
from storage import customers
from storage.api_keys import Owner, Terms
from storage.database import Database
from tasks.services import WorkerServices
from tests.integration.gateway.page import OpenPage, Page
from tests.integration.gateway.serving import empty_broker, serving
from tests.support import NewCustomer
from workers.app import create_app as workers_app
from workers.lifecycle import open_services


@pytest.fixture(scope="session")
def gateway(settings: Settings) -> Iterator[httpx.Client]:
    """A client of the gateway, without an API key."""
    with serving(create_app(settings)) as client:
        yield client


@pytest.fixture(scope="module")
def worker(settings: Settings) -> Iterator[WorkerServices]:
    """The services of a worker that makes variants."""
    with open_services(workers_app(settings, process="worker"), settings, worker_name="a test") as opened:
        yield opened


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    """A customer with 100 credits."""
    return make_customer(100)


@pytest.fixture
def make_key(database: Database) -> Callable[..., str]:
    """Makes a key of an owner."""

    def make(owner: Owner, **terms: Any) -> str:
        with database.transaction() as session:
            return customers.create_key_of(session, owner, Terms(**terms)).material

    return make


@pytest.fixture
def service(database: Database) -> Owner:
    """A service."""
    with database.transaction() as session:
        return Owner(service_id=customers.create_service(session, "web shop").id)


@pytest.fixture
def broker(settings: Settings) -> Iterator[redis.Redis]:
    """The broker, empty, with no wake-up of an earlier test on its way."""
    with redis.Redis.from_url(settings.redis_url) as client:
        empty_broker(client, settings)
        yield client


@pytest.fixture
def open_page(gateway: httpx.Client) -> Iterator[OpenPage]:
    """Signs in with a key, or with None as the development customer."""
    pages: list[Page] = []

    def open_(api_key: str | None) -> Page:
        pages.append(Page(gateway, api_key))
        return pages[-1]

    yield open_
    for page in pages:
        page.close()
